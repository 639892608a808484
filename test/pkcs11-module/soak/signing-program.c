/* Signs with the key ID (two hexadecimal digits) of a PKCS #11 module until its standard input ends, by CKM_SHA256_RSA_PKCS: a counter of 8 bytes each time. Prints counter and signature, in hexadecimal, a line each. It logs in once. */
#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long U;
typedef struct { U type; void *value; U length; } Field;
typedef struct { unsigned char version[sizeof(void *)]; U (*functions[68])(); } List;

static void check(U result, const char *what) {
  if (result == 0) return;
  fprintf(stderr, "%s answered %lx\n", what, result);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  List *list;
  void *library = dlopen(argv[1], RTLD_NOW);
  U (*get)(List **) = library ? (U (*)(List **))dlsym(library, "C_GetFunctionList") : NULL;
  if (get == NULL) return 2;
  check(get(&list), "C_GetFunctionList");
  check(list->functions[0](NULL), "C_Initialize");
  U slots[16], slot_count = 16, session, key, found, class = 3, length, count = 0;
  check(list->functions[4](1, slots, &slot_count), "C_GetSlotList");
  check(list->functions[12](slots[0], 4ul, NULL, NULL, &session), "C_OpenSession");
  check(list->functions[18](session, 1ul, argv[2], (U)strlen(argv[2])), "C_Login");
  unsigned char id = (unsigned char)strtoul(argv[3], NULL, 16), message[8], signature[512];
  Field wanted[2] = {{0, &class, sizeof class}, {0x102, &id, 1}}, mechanism = {0x40, NULL, 0};
  check(list->functions[26](session, wanted, 2ul), "C_FindObjectsInit");
  check(list->functions[27](session, &key, 1ul, &found), "C_FindObjects");
  check(list->functions[28](session), "C_FindObjectsFinal");
  if (found != 1) return 3;
  struct pollfd input = {0, POLLIN, 0};
  while (poll(&input, 1, 0) == 0) {
    for (int at = 0; at < 8; at++) message[at] = (unsigned char)(count >> (8 * (7 - at)));
    check(list->functions[42](session, &mechanism, key), "C_SignInit");
    length = sizeof signature;
    check(list->functions[43](session, message, 8ul, signature, &length), "C_Sign");
    printf("%016lx ", count++);
    for (U at = 0; at < length; at++) printf("%02x", signature[at]);
    printf("\n");
    fflush(stdout);
  }
  check(list->functions[1](NULL), "C_Finalize");
  return 0;
}
