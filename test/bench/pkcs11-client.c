/*
 * A program that uses a PKCS #11 module as programs do: MODULE LABEL PIN THREADS COUNT WHAT. One C_Initialize, a session for each thread on the token LABEL.
 * WHAT is "sign": RSA signatures of a DigestInfo, printed a second; or "info": C_GetSessionInfo, the median round trip printed in microseconds.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned long U;
typedef struct { U type; void *value; U length; } Field;
typedef struct { unsigned char version[sizeof(void *)]; U (*functions[68])(); } List;

/* Places in CK_FUNCTION_LIST (PKCS #11 v2.40, pkcs11f.h). */
enum { INITIALIZE = 0, GET_SLOTS = 4, GET_TOKEN = 6, OPEN = 12, SESSION_INFO = 15, LOGIN = 18, FIND_INIT = 26, FIND = 27, FIND_FINAL = 28, SIGN_INIT = 42, SIGN = 43 };
enum { ALREADY_LOGGED_IN = 0x100, MAX_THREADS = 16, MAX_SLOTS = 64, LABEL_BYTES = 32 };

static List *list;
static U slot, count, threads;
static const char *pin, *what;
static pthread_barrier_t ready;

static void check(U result, const char *call) {
  if (result == 0) return;
  fprintf(stderr, "%s answered %lx\n", call, result);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return difference < 0 ? -1 : difference > 0;
}

static void signOnce(U session, U key) {
  static const unsigned char info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  unsigned char signature[512];
  Field mechanism = {1, NULL, 0};
  U length = sizeof signature;
  check(list->functions[SIGN_INIT](session, &mechanism, key), "C_SignInit");
  check(list->functions[SIGN](session, info, 51ul, signature, &length), "C_Sign");
}

static void *signAll(void *unused) {
  (void)unused;
  U session, key, found, class = 3;
  Field class_is = {0, &class, sizeof class};
  check(list->functions[OPEN](slot, 4ul, NULL, NULL, &session), "C_OpenSession");
  U login = list->functions[LOGIN](session, 1ul, pin, (U)strlen(pin));
  if (login != ALREADY_LOGGED_IN) check(login, "C_Login");
  check(list->functions[FIND_INIT](session, &class_is, 1ul), "C_FindObjectsInit");
  check(list->functions[FIND](session, &key, 1ul, &found), "C_FindObjects");
  check(list->functions[FIND_FINAL](session), "C_FindObjectsFinal");
  if (found != 1) exit(1);
  signOnce(session, key);
  pthread_barrier_wait(&ready);
  for (U done = 0; done < count / threads; done++) signOnce(session, key);
  return NULL;
}

static double medianOfInfo(void) {
  U session, info[4];
  double *times = calloc(count, sizeof *times);
  if (times == NULL) exit(2);
  check(list->functions[OPEN](slot, 4ul, NULL, NULL, &session), "C_OpenSession");
  for (U done = 0; done < count; done++) {
    double begin = now();
    check(list->functions[SESSION_INFO](session, info), "C_GetSessionInfo");
    times[done] = now() - begin;
  }
  qsort(times, count, sizeof *times, ascending);
  return times[count / 2] * 1e6;
}

static void findToken(const char *label) {
  U slots[MAX_SLOTS], slot_count = MAX_SLOTS;
  unsigned char token[512];
  check(list->functions[GET_SLOTS](1, slots, &slot_count), "C_GetSlotList");
  for (U i = 0; i < slot_count; i++) {
    check(list->functions[GET_TOKEN](slots[i], token), "C_GetTokenInfo");
    slot = slots[i];
    if (memcmp(token, label, strlen(label)) == 0 && strlen(label) <= LABEL_BYTES) return;
  }
  fprintf(stderr, "no token is called %s\n", label);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  U (*get)(List **) = library ? (U (*)(List **))dlsym(library, "C_GetFunctionList") : NULL;
  if (get == NULL) return 2;
  pin = argv[3];
  threads = strtoul(argv[4], NULL, 10);
  count = strtoul(argv[5], NULL, 10);
  what = argv[6];
  if (threads < 1 || threads > MAX_THREADS || count < threads) return 2;
  check(get(&list), "C_GetFunctionList");
  struct { void *mutexes[4]; U flags; void *reserved; } args = {{0}, 2, NULL};
  check(list->functions[INITIALIZE](&args), "C_Initialize");
  findToken(argv[2]);
  if (strcmp(what, "info") == 0) {
    printf("%.2f\n", medianOfInfo());
    return 0;
  }
  pthread_t running[MAX_THREADS];
  pthread_barrier_init(&ready, NULL, (unsigned)threads + 1);
  for (U i = 0; i < threads; i++) pthread_create(&running[i], NULL, signAll, NULL);
  pthread_barrier_wait(&ready);
  double begin = now();
  for (U i = 0; i < threads; i++) pthread_join(running[i], NULL);
  printf("%.1f\n", (double)count / (now() - begin));
  return 0;
}
