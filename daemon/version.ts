/** What this build calls itself; a test holds it against package.json. */
export const PRODUCT = 'kortd';
export const VERSION = '0.1.0';
