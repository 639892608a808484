/*
 * The peer of the PC/SC benchmark: the same exchange, again and again, straight over libpcsclite.
 * Build: gcc -O2 -I/usr/include/PCSC -o pcsc-loop pcsc-loop.c -lpcsclite
 * Use:   pcsc-loop READER COUNT APDU-HEX     prints exchanges per second
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#define WARM_UP 50
#define MAX_COMMAND 65544
#define MAX_RESPONSE 65548

static unsigned char command[MAX_COMMAND];
static unsigned char response[MAX_RESPONSE];

static void check(const char *attempt, LONG result) {
  if (result == SCARD_S_SUCCESS) return;
  fprintf(stderr, "%s: PC/SC answered %08lX\n", attempt, (unsigned long)result & 0xFFFFFFFFul);
  exit(1);
}

static size_t parse_hex(const char *hex) {
  size_t length = strlen(hex) / 2;
  if (length < 4 || length > MAX_COMMAND || strlen(hex) % 2 != 0) {
    fprintf(stderr, "parsing the APDU: %zu hex digits\n", strlen(hex));
    exit(2);
  }
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
      fprintf(stderr, "parsing the APDU: no hex at digit %zu\n", 2 * i);
      exit(2);
    }
    command[i] = (unsigned char)byte;
  }
  return length;
}

static void exchange(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, size_t length) {
  DWORD received = sizeof response;
  check("SCardTransmit", SCardTransmit(card, pci, command, length, NULL, response, &received));
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "use: %s READER COUNT APDU-HEX\n", argv[0]);
    return 2;
  }
  long count = atol(argv[2]);
  size_t length = parse_hex(argv[3]);
  SCARDCONTEXT context;
  SCARDHANDLE card;
  DWORD protocol;
  check("SCardEstablishContext", SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
  check("SCardConnect", SCardConnect(context, argv[1], SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol));
  check("SCardBeginTransaction", SCardBeginTransaction(card));
  const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
  for (int i = 0; i < WARM_UP; i++) exchange(card, pci, length);
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < count; i++) exchange(card, pci, length);
  clock_gettime(CLOCK_MONOTONIC, &end);
  check("SCardEndTransaction", SCardEndTransaction(card, SCARD_LEAVE_CARD));
  check("SCardDisconnect", SCardDisconnect(card, SCARD_LEAVE_CARD));
  check("SCardReleaseContext", SCardReleaseContext(context));
  double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
  printf("%.0f\n", (double)count / seconds);
  return 0;
}
