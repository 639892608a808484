/* Preloaded into programs that can only listen on every address: what they bind is the loopback interface. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int bind(int socket, const struct sockaddr *address, socklen_t length) {
  int (*next)(int, const struct sockaddr *, socklen_t);
  struct sockaddr_storage own = {0};
  *(void **)&next = dlsym(RTLD_NEXT, "bind");
  if (length > sizeof own) return next(socket, address, length);
  memcpy(&own, address, length);
  if (own.ss_family == AF_INET6) ((struct sockaddr_in6 *)&own)->sin6_addr = in6addr_loopback;
  if (own.ss_family == AF_INET) ((struct sockaddr_in *)&own)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return next(socket, (struct sockaddr *)&own, length);
}
