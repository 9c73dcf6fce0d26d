/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libvirt/libvirt.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
