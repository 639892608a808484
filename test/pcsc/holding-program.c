/*
 * Another program on the desk: takes the card in a reader, begins a transaction, says so, and holds it until its standard input ends.
 * Build: gcc -O2 -I/usr/include/PCSC -o holding-program holding-program.c -lpcsclite
 * Use:   holding-program READER
 */
#include <stdio.h>
#include <stdlib.h>
#include <winscard.h>

static void check(const char *attempt, LONG result) {
  if (result == SCARD_S_SUCCESS) return;
  fprintf(stderr, "%s: PC/SC answered %08lX\n", attempt, (unsigned long)result & 0xFFFFFFFFul);
  exit(1);
}

int main(int count, char **arguments) {
  SCARDCONTEXT context;
  SCARDHANDLE card;
  DWORD protocol;
  if (count != 2) {
    fprintf(stderr, "usage: holding-program READER\n");
    return 2;
  }
  check("establishing the context", SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
  check("connecting", SCardConnect(context, arguments[1], SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol));
  check("beginning the transaction", SCardBeginTransaction(card));
  puts("holding");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  check("ending the transaction", SCardEndTransaction(card, SCARD_LEAVE_CARD));
  check("disconnecting", SCardDisconnect(card, SCARD_LEAVE_CARD));
  return SCardReleaseContext(context) == SCARD_S_SUCCESS ? 0 : 1;
}
