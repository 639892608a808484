/*
 * A PKCS #11 module with one token and one key, that misbehaves as the environment says: FAULT is KIND:FUNCTION, such as crash:C_Sign. While FAULT_ONCE names a
 * file, the fault happens only if that file is there, and takes it away, unless it is of a kind that takes several calls. Every C_Login leaves a line in the file LOGINS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long U;
typedef unsigned char B;
typedef struct { U type; void *value; U length; } Attribute;
#define EXPORT __attribute__((visibility("default")))

enum { CLASS = 0x0, LABEL = 0x3, KEY_TYPE = 0x100, ID = 0x102, MODULUS = 0x120, EXPONENT = 0x122 };
static const U PUBLIC_KEY = 2, PRIVATE_KEY = 3, RSA = 0;
static B modulus[256];
static U wanted = 0, next_object = 0;

static int has(const char *kind, const char *function) {
  const char *fault = getenv("FAULT");
  const char *once = getenv("FAULT_ONCE");
  char text[64];
  snprintf(text, sizeof text, "%s:%s", kind, function);
  if (fault == NULL || strcmp(fault, text) != 0) return 0;
  if (once != NULL && (strcmp(kind, "endless") == 0 || strcmp(kind, "growing") == 0)) return access(once, F_OK) == 0;
  return once == NULL || unlink(once) == 0;
}

static void misbehave(const char *function) {
  if (has("crash", function)) *(volatile int *)8 = 1;
  if (has("abort", function)) abort();
  if (has("exit", function)) exit(3);
  while (has("hang", function)) pause();
  if (has("print", function)) {
    char noise[65536];
    memset(noise, 'x', sizeof noise);
    if (write(1, noise, sizeof noise) < 0 || write(2, noise, sizeof noise) < 0) return;
  }
}
#define ENTER(name) misbehave(#name)

static U C_Initialize(void *args) { (void)args; ENTER(C_Initialize); memset(modulus, 0xC1, sizeof modulus); return 0; }
static U C_Finalize(void *args) { (void)args; return 0; }

static U C_GetInfo(B *info) {
  memset(info, ' ', 88);
  info[0] = 2; info[1] = 40;
  if (has("version", "C_GetInfo")) info[0] = 9;
  memset(info + 40, 0, 8);
  return 0;
}

static U C_GetSlotList(B present, U *list, U *count) {
  static U grown = 1;
  (void)present;
  ENTER(C_GetSlotList);
  if (has("many", "C_GetSlotList")) { *count = 1ul << 40; return 0; }
  if (has("grow", "C_GetSlotList")) {
    U room = *count;
    if (list == NULL) { *count = grown; return 0; }
    *count = ++grown;
    return room < grown ? 0x150 : 0;
  }
  if (has("overrun", "C_GetSlotList") && list != NULL) { *count = 1000; return 0; }
  if (list != NULL) list[0] = 7;
  *count = 1;
  return 0;
}

static U C_GetSlotInfo(U slot, B *info) {
  (void)slot;
  ENTER(C_GetSlotInfo);
  memset(info, ' ', 96);
  memcpy(info, "Faulty slot", 11);
  memset(info + 96, 0, 16);
  info[96] = 1;
  return 0;
}

static U C_GetTokenInfo(U slot, B *info) {
  (void)slot;
  ENTER(C_GetTokenInfo);
  memset(info, ' ', 96);
  memcpy(info, "faulty", 6);
  memcpy(info + 80, "0001", 4);
  memset(info + 96, 0, 112);
  U *numbers = (U *)(info + 96);
  numbers[0] = 0x40C;
  if (has("final", "C_GetTokenInfo")) numbers[0] |= 0x30000;
  if (has("locked", "C_GetTokenInfo")) numbers[0] |= 0x40000;
  numbers[5] = 16; numbers[6] = 4;
  return 0;
}

static U C_GetMechanismList(U slot, U *list, U *count) {
  (void)slot;
  ENTER(C_GetMechanismList);
  if (list != NULL) list[0] = 1;
  *count = 1;
  if (!has("short", "C_GetMechanismInfo") && !has("fails", "C_GetMechanismInfo")) return 0;
  if (list != NULL) list[1] = 0;
  *count = 2;
  return 0;
}

static U C_GetMechanismInfo(U slot, U type, U *info) {
  (void)slot; (void)type;
  ENTER(C_GetMechanismInfo);
  if (has("fails", "C_GetMechanismInfo")) return 6;
  info[0] = 1024; info[1] = 2048; info[2] = 0x10001;
  return 0;
}

static U C_OpenSession(U slot, U flags, void *app, void *notify, U *session) {
  (void)slot; (void)flags; (void)app; (void)notify;
  ENTER(C_OpenSession);
  *session = 11;
  return 0;
}
static U C_CloseSession(U session) { (void)session; ENTER(C_CloseSession); return 0; }

static U C_Login(U session, U user, B *pin, U length) {
  (void)session; (void)user;
  const char *log = getenv("LOGINS");
  if (log != NULL) {
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || write(file, "login\n", 6) != 6) abort();
    close(file);
  }
  ENTER(C_Login);
  return length == 6 && memcmp(pin, "123456", 6) == 0 ? 0 : 0xA0;
}
static U C_Logout(U session) { (void)session; ENTER(C_Logout); return has("fails", "C_Logout") ? 6 : 0; }

static U C_FindObjectsInit(U session, Attribute *template, U count) {
  (void)session;
  ENTER(C_FindObjectsInit);
  wanted = next_object = 0;
  for (U i = 0; i < count; i++) if (template[i].type == CLASS) wanted = *(U *)template[i].value;
  if (wanted == PUBLIC_KEY || wanted == PRIVATE_KEY) next_object = wanted;
  return 0;
}

static U C_FindObjects(U session, U *objects, U max, U *count) {
  (void)session;
  ENTER(C_FindObjects);
  if (has("overrun", "C_FindObjects")) { *count = 1ul << 32; return 0; }
  if (has("endless", "C_FindObjects")) { for (U i = 0; i < max; i++) objects[i] = 2; *count = max; return 0; }
  *count = next_object != 0;
  if (next_object != 0) objects[0] = next_object;
  next_object = 0;
  return 0;
}
static U C_FindObjectsFinal(U session) { (void)session; return 0; }

static U give(Attribute *attribute, const void *value, U length) {
  if (has("minus-one", "C_GetAttributeValue")) { attribute->length = (U)-1; return 0; }
  if (has("2^31", "C_GetAttributeValue")) { attribute->length = 1ul << 31; return 0; }
  if (has("2^63", "C_GetAttributeValue")) { attribute->length = 1ul << 63; return 0; }
  if (attribute->value != NULL && has("longer", "C_GetAttributeValue")) { attribute->length = length + 1; return 0; }
  if (attribute->value != NULL && has("growing", "C_GetAttributeValue")) return 0x150;
  if (attribute->value != NULL) {
    if (attribute->length < length) return 0x150;
    memcpy(attribute->value, value, length);
  }
  attribute->length = length;
  return 0;
}

static U C_GetAttributeValue(U session, U object, Attribute *template, U count) {
  static const B exponent[] = {1, 0, 1}, id[] = {1};
  U result = 0;
  (void)session;
  ENTER(C_GetAttributeValue);
  for (U i = 0; i < count; i++) {
    U one = 0;
    switch (template[i].type) {
      case CLASS: one = give(&template[i], &object, sizeof object); break;
      case KEY_TYPE: one = give(&template[i], &RSA, sizeof RSA); break;
      case ID: one = give(&template[i], id, sizeof id); break;
      case LABEL: one = give(&template[i], "k\xFF\x1B[2J", 6); break;
      case MODULUS: one = give(&template[i], modulus, sizeof modulus); break;
      case EXPONENT: one = give(&template[i], exponent, sizeof exponent); break;
      default: template[i].length = (U)-1; one = 0x12;
    }
    if (one != 0 && result != 0x150) result = one;
  }
  return result;
}

static U C_SignInit(U session, void *mechanism, U key) { (void)session; (void)mechanism; (void)key; ENTER(C_SignInit); return 0; }
static U C_Sign(U session, B *data, U length, B *signature, U *signature_length) {
  (void)session; (void)data; (void)length;
  ENTER(C_Sign);
  if (has("overrun", "C_Sign")) { *signature_length = 1ul << 40; return 0; }
  if (has("short", "C_Sign")) { *signature_length = 3; return 0; }
  if (has("unknown", "C_Sign")) return 0x80000123;
  memset(signature, 0x5A, sizeof modulus);
  *signature_length = sizeof modulus;
  return 0;
}
static U C_WaitForSlotEvent(U flags, U *slot, void *reserved) { (void)flags; (void)slot; (void)reserved; ENTER(C_WaitForSlotEvent); return 8; }

static struct { B version[sizeof(void *)]; void *functions[68]; } list;

EXPORT U C_GetFunctionList(void **out) {
  list.version[0] = 2; list.version[1] = 40;
  void **f = list.functions;
  f[0] = C_Initialize; f[1] = C_Finalize; f[2] = C_GetInfo; f[3] = C_GetFunctionList; f[4] = C_GetSlotList; f[5] = C_GetSlotInfo; f[6] = C_GetTokenInfo;
  f[7] = C_GetMechanismList; f[8] = C_GetMechanismInfo; f[12] = C_OpenSession; f[13] = C_CloseSession; f[18] = C_Login; f[19] = C_Logout; f[24] = C_GetAttributeValue;
  f[26] = C_FindObjectsInit; f[27] = C_FindObjects; f[28] = C_FindObjectsFinal; f[42] = C_SignInit; f[43] = C_Sign; f[67] = C_WaitForSlotEvent;
  if (has("missing", "C_Sign")) f[43] = NULL;
  *out = has("null", "C_GetFunctionList") ? NULL : (void *)&list;
  return 0;
}
