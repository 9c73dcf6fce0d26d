/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libvirt/libvirt.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
/* Not part of Swift's Glibc module. */
#include <sys/eventfd.h>

/* glibc's syncfs, which only _GNU_SOURCE shows: writes back a whole file system. */
static inline int
virshBackupSyncFileSystem(int descriptor)
{
    extern int syncfs(int descriptor);
    return syncfs(descriptor);
}

/* glibc's renameat2 with RENAME_EXCHANGE, which only _GNU_SOURCE shows: two files swap their names. */
static inline int
virshBackupExchange(const char *first, const char *second)
{
    extern int renameat2(int, const char *, int, const char *, unsigned int);
    return renameat2(-100 /* AT_FDCWD */, first, -100, second, 1u << 1);
}

/* A C global is a mutable variable to Swift; libvirt sets this one once and for all. */
static inline virConnectAuthPtr
virshBackupDefaultAuth(void)
{
    return virConnectAuthPtrDefault;
}

/* VIR_DOMAIN_EVENT_CALLBACK is a function-like macro, which Swift does not import. */
static inline virConnectDomainEventGenericCallback
virshBackupLifecycleCallback(virConnectDomainEventCallback callback)
{
    return VIR_DOMAIN_EVENT_CALLBACK(callback);
}

static inline virConnectDomainEventGenericCallback
virshBackupBlockJobCallback(virConnectDomainEventBlockJobCallback callback)
{
    return VIR_DOMAIN_EVENT_CALLBACK(callback);
}
