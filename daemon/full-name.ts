/** What a program is called to the person who is asked, and in the audit log: with its file, where the system tells. Elsewhere its name alone is enough. */
export function fullNameOf({ name, fullName }: { readonly name: string; readonly fullName?: string }): string {
  return fullName ?? name;
}
