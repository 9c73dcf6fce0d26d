# This file is part of virsh-backup: backup and restore for libvirt domains.
# Copyright (C) 2026 the virsh-backup authors
#
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A guest that fits into a boot sector. For each number from 1 on it writes the number to
#   sector 64 of the first disk, sector 64 of the second disk, and then
#   the first sector of the next cluster of 64 KiB on both,
# and reports each write on port 0xe9: + for a good one, - for a failed one, which it tries again.
# A written sector begins with the number and its complement.
#
# as --32 -o counter.o counter.S
# ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o counter.bin counter.o

        .code16
        .text
        .globl  _start
_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        sti
        cld

next:
        incl    buffer
        movl    buffer, %eax
        notl    %eax
        movl    %eax, buffer + 4

        movl    $64, block
        call    write_both

        movl    buffer, %eax
        xorl    %edx, %edx
        movzwl  clusters, %ecx
        divl    %ecx
        incl    %edx                    # cluster 0 holds this program and the counter
        shll    $7, %edx
        movl    %edx, block
        call    write_both
        jmp     next

write_both:
        movb    $0x80, drive
        call    write
        cmpb    $2, 0x475               # the BIOS's number of disks
        jb      1f
        movb    $0x81, drive
        call    write
1:      ret

write:
        movw    $1, sectors             # the BIOS puts there how many it did
        movw    $packet, %si
        movb    drive, %dl
        movw    $0x4300, %ax
        int     $0x13
        jc      failed
        movb    $'+', %al
        outb    %al, $0xe9
        ret
failed:
        movb    $'-', %al
        outb    %al, $0xe9
        jmp     write

drive:  .byte   0x80
        .balign 4
packet: .byte   16, 0
sectors:.word   1
        .word   buffer, 0               # offset, segment
block:  .long   0, 0

        .org    506
clusters:
        .word   1                       # set when the guest is put on a disk
        .org    510
        .word   0xaa55

        .equ    buffer, 0x8000          # zero after a reset
