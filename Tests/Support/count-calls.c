// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// An audit library (LD_AUDIT, see rtld-audit(7)): it counts the program's calls into libvirt.
//
//   CALLS_LOG=FILE  appends a line for each call: its number and the function's name
//   CALLS_KILL=N    kills the process with SIGKILL on its way into the N-th call
//   CALLS_STOP=N    stops it there with SIGSTOP instead
//
// Processes the program starts are left alone.
//
// cc -shared -fPIC -O1 -o count-calls.so count-calls.c

#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long calls, kill_at, stop_at;
static int log_file = -1;
static pid_t owner;

static unsigned long number(const char *name) {
  const char *text = getenv(name);
  return text ? strtoul(text, NULL, 10) : 0;
}

unsigned int la_version(unsigned int version) {
  const char *path = getenv("CALLS_LOG");
  kill_at = number("CALLS_KILL");
  stop_at = number("CALLS_STOP");
  if (path) log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  owner = getpid();
  unsetenv("LD_AUDIT");
  return version < LAV_CURRENT ? version : LAV_CURRENT;
}

unsigned int la_objopen(struct link_map *map, Lmid_t space, uintptr_t *cookie) {
  (void)space, (void)cookie;
  if (strstr(map->l_name, "/libvirt.so") || strstr(map->l_name, "/libvirt-qemu.so"))
    return LA_FLG_BINDTO;
  return map->l_name[0] == '\0' ? LA_FLG_BINDFROM : 0;
}

uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned int index, uintptr_t *from, uintptr_t *to,
                       unsigned int *flags, const char *name) {
  (void)index, (void)from, (void)to;
  *flags |= LA_SYMB_NOPLTEXIT;
  if (strncmp(name, "vir", 3) != 0) *flags |= LA_SYMB_NOPLTENTER;
  return symbol->st_value;
}

Elf64_Addr la_x86_64_gnu_pltenter(Elf64_Sym *symbol, unsigned int index, uintptr_t *from,
                                  uintptr_t *to, La_x86_64_regs *registers, unsigned int *flags,
                                  const char *name, long *frame) {
  (void)index, (void)from, (void)to, (void)registers, (void)flags, (void)frame;
  if (getpid() != owner) return symbol->st_value;
  unsigned long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  if (log_file >= 0) {
    char line[160];
    int length = snprintf(line, sizeof line, "%lu %s\n", call, name);
    if (write(log_file, line, length) < 0) close(log_file), log_file = -1;
  }
  if (call == kill_at) kill(getpid(), SIGKILL);
  if (call == stop_at) kill(getpid(), SIGSTOP);
  return symbol->st_value;
}
