/*
 * A program that signs on and on through a PKCS #11 module, until its standard input ends, with a second thread that waits for slots. It prints a line whenever
 * something other than before comes of it: "signed", or which function returned what. As in most programs, SIGPIPE ends it.
 * Usage: survivor MODULE LABEL PIN KEY-ID(hex) RSA|EC
 */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long U;
typedef struct { U type; void *value; U length; } Field;
typedef struct { unsigned char version[sizeof(void *)]; U (*functions[68])(); } List;

static List *list;
static const char *label, *pin, *kind;
static U session, key, token_slot;
static unsigned char id;
static char last[128];
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *text) {
  pthread_mutex_lock(&printing);
  printf("%s\n", text);
  fflush(stdout);
  pthread_mutex_unlock(&printing);
}

/* Once for as long as it stays the same. */
static void tell(const char *text) {
  if (strcmp(text, last) == 0) return;
  snprintf(last, sizeof last, "%s", text);
  say(text);
}

static int good(U result, const char *what) {
  char text[64];
  if (result == 0) return 1;
  snprintf(text, sizeof text, "%s 0x%lx", what, result);
  tell(text);
  return 0;
}

/* A slot whose token has the label; labels are filled up with blanks to 32 bytes. */
static int find_slot(void) {
  U slots[32], count = 32;
  unsigned char info[512];
  if (!good(list->functions[4](1, slots, &count), "C_GetSlotList")) return 0;
  for (U i = 0; i < count; i++) {
    if (list->functions[6](slots[i], info) == 0 && strncmp((char *)info, label, strlen(label)) == 0) {
      token_slot = slots[i];
      return 1;
    }
  }
  tell("no card");
  return 0;
}

static int begin(void) {
  U class = 3, found = 0;
  Field wanted[2] = {{0, &class, sizeof class}, {0x102, &id, 1}};
  if (!find_slot() || !good(list->functions[12](token_slot, 4ul, NULL, NULL, &session), "C_OpenSession")) return 0;
  U login = list->functions[18](session, 1ul, pin, (U)strlen(pin));
  if (!good(login == 0x100 ? 0 : login, "C_Login") || !good(list->functions[26](session, wanted, 2ul), "C_FindObjectsInit") ||
      !good(list->functions[27](session, &key, 1ul, &found), "C_FindObjects") || found != 1)
    return 0;
  return good(list->functions[28](session), "C_FindObjectsFinal");
}

static int sign(void) {
  unsigned char info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  unsigned char signature[512];
  U length = sizeof signature;
  int is_rsa = strcmp(kind, "RSA") == 0;
  Field mechanism = {is_rsa ? 1 : 0x1041, NULL, 0};
  return good(list->functions[42](session, &mechanism, key), "C_SignInit") &&
         good(list->functions[43](session, info, is_rsa ? 51ul : 32ul, signature, &length), "C_Sign");
}

static void *wait_for_slots(void *unused) {
  U slot, result;
  char text[64];
  (void)unused;
  while ((result = list->functions[67](0ul, &slot, NULL)) == 0) {
    snprintf(text, sizeof text, "event 0x%lx", slot);
    say(text);
  }
  /* It never does. */
  snprintf(text, sizeof text, "waiting ended 0x%lx", result);
  say(text);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  signal(SIGPIPE, SIG_DFL);
  void *library = dlopen(argv[1], RTLD_NOW);
  U (*get)(List **) = library ? (U (*)(List **))dlsym(library, "C_GetFunctionList") : NULL;
  if (get == NULL || get(&list) != 0) return 2;
  label = argv[2];
  pin = argv[3];
  id = (unsigned char)strtoul(argv[4], NULL, 16);
  kind = argv[5];
  struct { void *mutexes[4]; U flags; void *reserved; } args = {{0}, 2, NULL};
  if (!good(list->functions[0](&args), "C_Initialize")) return 1;
  pthread_t waiting;
  pthread_create(&waiting, NULL, wait_for_slots, NULL);
  struct pollfd input = {0, POLLIN, 0};
  int is_open = 0;
  while (poll(&input, 1, is_open ? 2 : 50) == 0) {
    if (!is_open) is_open = begin();
    if (is_open && sign()) tell("signed");
    else if (is_open) {
      list->functions[13](session);
      is_open = 0;
    }
  }
  /* As most programs do, without C_Finalize: p11-kit's client 0.24 fails an assertion when another thread is in a call then. */
  say("ended");
  _exit(0);
}
