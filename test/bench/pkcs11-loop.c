/* Signs COUNT digests with one RSA key of a PKCS #11 module, in THREADS threads with a session each. Prints signatures per second. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned long U;
typedef struct { U type; void *value; U length; } Field;
typedef struct { unsigned char version[sizeof(void *)]; U (*functions[68])(); } List;

static List *list;
static U slot = (U)-1, count, threads;
static const char *pin;

static void check(U result, const char *what) {
  if (result == 0) return;
  fprintf(stderr, "%s answered %lx\n", what, result);
  exit(1);
}

static void *run(void *unused) {
  (void)unused;
  U session, key, found, class = 3, length;
  unsigned char info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  unsigned char signature[512];
  Field class_is = {0, &class, sizeof class}, mechanism = {1, NULL, 0};
  check(list->functions[12](slot, 6ul, NULL, NULL, &session), "C_OpenSession");
  U login = list->functions[18](session, 1ul, pin, (U)strlen(pin));
  if (login != 0x100) check(login, "C_Login");
  check(list->functions[26](session, &class_is, 1ul), "C_FindObjectsInit");
  check(list->functions[27](session, &key, 1ul, &found), "C_FindObjects");
  check(list->functions[28](session), "C_FindObjectsFinal");
  for (U done = 0; done < count / threads; done++) {
    check(list->functions[42](session, &mechanism, key), "C_SignInit");
    length = sizeof signature;
    check(list->functions[43](session, info, 51ul, signature, &length), "C_Sign");
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  U (*get)(List **) = library ? (U (*)(List **))dlsym(library, "C_GetFunctionList") : NULL;
  if (get == NULL) return 2;
  pin = argv[2];
  threads = strtoul(argv[3], NULL, 10);
  count = strtoul(argv[4], NULL, 10);
  check(get(&list), "C_GetFunctionList");
  struct { void *mutexes[4]; U flags; void *reserved; } args = {{0}, 2, NULL};
  check(list->functions[0](&args), "C_Initialize");
  U slots[16], slot_count = 16;
  check(list->functions[4](1, slots, &slot_count), "C_GetSlotList");
  slot = slots[0];
  struct timespec begin, end;
  pthread_t running[16];
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (U i = 0; i < threads; i++) pthread_create(&running[i], NULL, run, NULL);
  for (U i = 0; i < threads; i++) pthread_join(running[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.1f\n", (double)count / ((double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9));
  return 0;
}
