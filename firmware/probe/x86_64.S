/*
 * The accelerator's proof on x86-64: a guest that does what every kernel does first, then says so.
 *
 * QEMU's -kernel loads it by the multiboot header (a flat image with addresses), so the firmware
 * runs first, in real mode, as it does for a kernel. Entered in 32-bit protected mode it builds
 * page tables for 4 GiB, enters 64-bit mode, calculates with SSE, and takes one interrupt of the
 * local APIC's timer. It ends by isa-debug-exit at port 0xf4: QEMU's exit status is 2 * code + 1.
 *
 * Rebuild with scripts/build-probe, which also proves that x86_64.bin is made of this file.
 */

        .set    LOAD, 0x100000          /* where ld puts .text, see scripts/build-probe */
        .set    DEBUG_EXIT, 0xf4

        /* Exit codes, known to b2p/host/accelerator.py. */
        .set    PASSED, 0x31            /* status 99 */
        .set    NO_LONG_MODE, 0x11      /* status 35 */
        .set    WRONG_SSE, 0x12         /* status 37 */
        .set    EXCEPTION, 0x13         /* status 39 */

        .set    APIC, 0xfee00000
        .set    APIC_SPURIOUS, 0x0f0
        .set    APIC_END, 0x0b0
        .set    APIC_TIMER, 0x320
        .set    APIC_COUNT, 0x380
        .set    APIC_DIVIDE, 0x3e0
        .set    TIMER_VECTOR, 0x40

        /* Page tables and stack, behind the image. */
        .set    PML4, 0x110000
        .set    PDPT, 0x111000
        .set    PAGES, 0x112000         /* four tables of 2 MiB pages */
        .set    IDT, 0x116000
        .set    STACK, 0x118000

        .text
        .code32
        .globl  _start

        .align  4
header: .set    FLAGS, 0x10000          /* the addresses below count, not an ELF header */
        .long   0x1badb002, FLAGS, -(0x1badb002 + FLAGS)
        .long   header, LOAD, 0, 0, _start

_start: cli
        cld
        movl    $STACK, %esp

        movl    $0x80000001, %eax       /* does the processor have 64-bit mode at all? */
        cpuid
        btl     $29, %edx
        movb    $NO_LONG_MODE, %al
        jnc     exit32

        movl    $PML4, %edi             /* all tables empty, then one entry after the other */
        xorl    %eax, %eax
        movl    $((STACK - PML4) / 4), %ecx
        rep stosl
        movl    $(PDPT + 3), PML4
        movl    $(PAGES + 3), %eax
        movl    $PDPT, %edi
        movl    $4, %ecx
1:      movl    %eax, (%edi)
        addl    $0x1000, %eax
        addl    $8, %edi
        loop    1b
        movl    $0x83, %eax             /* 2 MiB pages, present and writable, one to one */
        movl    $PAGES, %edi
        movl    $2048, %ecx
2:      movl    %eax, (%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    2b

        movl    %cr4, %eax
        orl     $0x620, %eax            /* PAE, and SSE with its exceptions */
        movl    %eax, %cr4
        movl    $PML4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       /* EFER: long mode enabled */
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    %cr0, %eax
        andl    $~0x4, %eax             /* no emulation of the FPU */
        orl     $0x80000003, %eax       /* paging, protection, monitor coprocessor */
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $0x08, $long

exit32: outb    %al, $DEBUG_EXIT
        hlt
        jmp     exit32

        .code64
long:   movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $STACK, %esp

        movl    $1764, %eax             /* the root of 1764 is 42 */
        cvtsi2sdl %eax, %xmm0
        sqrtsd  %xmm0, %xmm1
        cvttsd2si %xmm1, %eax
        cmpl    $42, %eax
        movb    $WRONG_SSE, %al
        jne     exit

        movl    $IDT, %edi              /* every vector fails, but the timer's */
        movl    $256, %ecx
        movl    $failed, %eax
3:      call    gate
        loop    3b
        movl    $(IDT + 16 * TIMER_VECTOR), %edi
        movl    $ticked, %eax
        call    gate
        lidt    idt_pointer

        movb    $0xff, %al              /* the old interrupt controllers stay out of this */
        outb    %al, $0x21
        outb    %al, $0xa1
        movl    $APIC, %ebx
        movl    $0x1ff, APIC_SPURIOUS(%rbx)
        movl    $0xb, APIC_DIVIDE(%rbx)
        movl    $TIMER_VECTOR, APIC_TIMER(%rbx)
        movl    $100000, APIC_COUNT(%rbx)
        sti
4:      hlt
        jmp     4b

        /* The timer's interrupt is what all this waits for. */
ticked: movl    $0, APIC_END(%rbx)
        movb    $PASSED, %al
        jmp     exit

failed: movb    $EXCEPTION, %al

exit:   outb    %al, $DEBUG_EXIT
        cli
        hlt
        jmp     exit

        /* Write an interrupt gate to %eax's address (below 4 GiB) at %rdi, and go on behind it. */
gate:   movw    %ax, (%rdi)
        movw    $0x08, 2(%rdi)
        movw    $0x8e00, 4(%rdi)
        movl    %eax, %edx
        shrl    $16, %edx
        movw    %dx, 6(%rdi)
        movq    $0, 8(%rdi)
        addq    $16, %rdi
        ret

        .align  8
gdt:    .quad   0
        .quad   0x00af9a000000ffff      /* 0x08: 64-bit code */
        .quad   0x00cf92000000ffff      /* 0x10: data */
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

        .align  8
idt_pointer:
        .word   256 * 16 - 1
        .quad   IDT
