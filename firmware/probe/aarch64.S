/*
 * The accelerator's proof on arm64: a guest that does what every kernel does first, then says so.
 *
 * QEMU's -kernel loads it by arm64's Image header and enters it at EL1. It calculates with the
 * floating-point unit, and takes one interrupt of the virtual timer through the GIC: a version 3, or
 * a 2 where KVM has no other to give. It writes "b2p: passed" (or what failed) to the serial port and
 * switches the machine off through PSCI.
 *
 * Rebuild with scripts/build-probe, which also proves that aarch64.bin is made of this file.
 */

        /* Where QEMU's virt machine has them. */
        .set    UART, 0x09000000
        .set    UART_CONTROL, 0x30
        .set    GIC_DISTRIBUTOR, 0x08000000
        .set    GIC_PROCESSOR, 0x08010000 /* of a version 2 alone */
        .set    GIC_PRIORITY, 0x4
        .set    GIC_ACKNOWLEDGE, 0xc
        .set    GIC_REDISTRIBUTOR, 0x080a0000
        .set    GIC_WAKER, 0x14
        .set    GIC_INTERRUPTS, 0x10000 /* the redistributor's second page */
        .set    GIC_GROUP, 0x80
        .set    GIC_ENABLE, 0x100
        .set    TIMER_INTERRUPT, 27

        .set    PSCI_SYSTEM_OFF, 0x84000008

        .text
        .globl  _start
_start: b       start
        .long   0
        .quad   0                       /* anywhere in memory */
        .quad   image_end - _start
        .quad   0xa                     /* little-endian, 4 KiB pages, anywhere */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

start:  msr     daifset, #0xf
        msr     spsel, #1
        adr     x0, vectors
        msr     vbar_el1, x0

        mov     x0, #(3 << 20)          /* floating point is ours */
        msr     cpacr_el1, x0
        isb
        mov     x0, #1764               /* the root of 1764 is 42 */
        scvtf   d0, x0
        fsqrt   d1, d0
        fcvtzs  x0, d1
        cmp     x0, #42
        adr     x1, wrong
        b.ne    tell

        mrs     x0, id_aa64pfr0_el1
        ubfx    x20, x0, #24, #4        /* 0: the interrupt controller has no system registers */
        cbz     x20, version_2

        mov     x0, #1                  /* the interrupt controller, by system registers */
        msr     s3_0_c12_c12_5, x0      /* ICC_SRE_EL1 */
        isb
        ldr     x2, =GIC_DISTRIBUTOR
        mov     w0, #0x12               /* affinity routing, group 1 */
        str     w0, [x2]
        ldr     x2, =GIC_REDISTRIBUTOR
        ldr     w0, [x2, #GIC_WAKER]
        bic     w0, w0, #2
        str     w0, [x2, #GIC_WAKER]
1:      ldr     w0, [x2, #GIC_WAKER]
        tbnz    w0, #2, 1b
        add     x2, x2, #GIC_INTERRUPTS
        mov     w0, #-1
        str     w0, [x2, #GIC_GROUP]
        mov     w0, #(1 << TIMER_INTERRUPT)
        str     w0, [x2, #GIC_ENABLE]
        mov     x0, #0xff
        msr     s3_0_c4_c6_0, x0        /* ICC_PMR_EL1 */
        mov     x0, #1
        msr     s3_0_c12_c12_7, x0      /* ICC_IGRPEN1_EL1 */
        isb

timer:  mov     x0, #10000
        msr     cntv_tval_el0, x0
        mov     x0, #1
        msr     cntv_ctl_el0, x0
        isb
        msr     daifclr, #2
2:      wfi
        b       2b

version_2:
        ldr     x2, =GIC_DISTRIBUTOR
        mov     w0, #1
        str     w0, [x2]
        mov     w0, #(1 << TIMER_INTERRUPT)
        str     w0, [x2, #GIC_ENABLE]
        ldr     x2, =GIC_PROCESSOR
        mov     w0, #0xff
        str     w0, [x2, #GIC_PRIORITY]
        mov     w0, #1
        str     w0, [x2]
        b       timer

        /* The timer's interrupt is what all this waits for. */
ticked: cbz     x20, 4f
        mrs     x0, s3_0_c12_c12_0      /* ICC_IAR1_EL1 */
        b       5f
4:      ldr     x2, =GIC_PROCESSOR
        ldr     w0, [x2, #GIC_ACKNOWLEDGE]
5:      cmp     x0, #TIMER_INTERRUPT
        adr     x1, passed
        adr     x2, strange
        csel    x1, x1, x2, eq
        b       tell

failed: adr     x1, exception

tell:   ldr     x2, =UART
        mov     w0, #0x301              /* on, and sending */
        str     w0, [x2, #UART_CONTROL]
3:      ldrb    w0, [x1], #1
        cbz     w0, off
        str     w0, [x2]
        b       3b
off:    ldr     w0, =PSCI_SYSTEM_OFF
        hvc     #0
        b       off

        .balign 2048
vectors:
        .rept   5                       /* the sixth is an interrupt at our own level */
        b       failed
        .balign 128
        .endr
        b       ticked
        .balign 128
        .rept   10
        b       failed
        .balign 128
        .endr

passed: .asciz  "b2p: passed\n"
wrong:  .asciz  "b2p: the floating-point unit calculates wrongly\n"
strange:
        .asciz  "b2p: an interrupt that nobody asked for\n"
exception:
        .asciz  "b2p: an exception\n"
        .balign 8
        .ltorg
image_end:
