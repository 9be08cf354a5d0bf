// forward PORT SOCKET, as forward.x86_64.S says what it does: for Linux on arm64, no library. The header
// is written out so that the file is the same from any linker.
        .set    CLOSE, 57
        .set    READ, 63
        .set    WRITE, 64
        .set    EXIT, 93
        .set    SIGACTION, 134
        .set    SETSID, 157
        .set    SOCKET, 198
        .set    BIND, 200
        .set    LISTEN, 201
        .set    ACCEPT, 202
        .set    CONNECT, 203
        .set    SETSOCKOPT, 208
        .set    SHUTDOWN, 210
        .set    CLONE, 220
        .set    SIGCHLD, 17
        .set    SIGPIPE, 13
        .set    BUFFER, 65536
        .set    LONGEST, 107                    // of a socket's path

        .text
        .globl  _start
header: .byte   0x7f
        .ascii  "ELF"
        .byte   2, 1, 1, 0                      // 64 bits, little endian
        .quad   0
        .short  2, 183                          // a program, for AArch64
        .long   1
        .quad   _start, program - header, 0
        .long   0
        .short  64, 56, 1, 0, 0, 0
program:
        .long   1, 5                            // loaded to be read and run
        .quad   0, header, header
        .quad   end - header, end - header, 65536       // pages may be of 64 KiB here

        // System calls: number in x8, arguments in x0 to x4; only x0, the answer, is lost.
_start:
        ldr     x0, [sp]
        cmp     x0, #3
        b.ne    failed
        ldr     x1, [sp, #16]                   // PORT
        ldr     x19, [sp, #24]                  // SOCKET
        mov     w20, #0
        mov     w2, #10
digit:  ldrb    w0, [x1], #1
        subs    w0, w0, #'0'
        b.mi    number
        madd    w20, w20, w2, w0
        b       digit
number: rev16   w20, w20                        // network order

        // sockaddr_un at x23, which all children share.
        sub     sp, sp, #128
        mov     x23, sp
        mov     w0, #1                          // AF_UNIX
        strh    w0, [x23], #2
        mov     x1, #0
letter: cmp     x1, #LONGEST
        b.hi    failed
        ldrb    w0, [x19, x1]
        strb    w0, [x23, x1]
        add     x1, x1, #1
        cbnz    w0, letter
        sub     x23, x23, #2
        add     w19, w1, #2                     // its length

        // Nobody waits for children: without that they would stay as zombies. A write that nobody reads
        // is to fail, not to kill.
        sub     sp, sp, #32
        mov     x0, #1                          // SIG_IGN
        stp     x0, xzr, [sp]
        stp     xzr, xzr, [sp, #16]
        mov     x8, #SIGACTION
        mov     x0, #SIGCHLD
        mov     x1, sp
        mov     x2, #0
        mov     x3, #8
        svc     #0
        mov     x0, #SIGPIPE
        svc     #0

        mov     x8, #SOCKET
        mov     x0, #2                          // AF_INET
        mov     x1, #1                          // SOCK_STREAM
        mov     x2, #0
        svc     #0
        tbnz    w0, #31, failed
        mov     w21, w0                         // the listener

        mov     w0, #1
        str     w0, [sp]
        mov     x8, #SETSOCKOPT
        mov     w0, w21
        mov     x1, #1                          // SOL_SOCKET
        mov     x2, #2                          // SO_REUSEADDR
        mov     x3, sp
        mov     x4, #4
        svc     #0

        stp     xzr, xzr, [sp]                  // any address
        mov     w0, #2
        strh    w0, [sp]
        strh    w20, [sp, #2]
        mov     x8, #BIND
        mov     w0, w21
        mov     x1, sp
        mov     x2, #16
        svc     #0
        tbnz    w0, #31, failed
        mov     x8, #LISTEN
        mov     w0, w21
        mov     x1, #64
        svc     #0
        tbnz    w0, #31, failed

        bl      fork
        tbnz    w0, #31, failed
        cbnz    w0, done
        mov     x8, #SETSID
        svc     #0

next:   mov     w0, #16
        str     w0, [sp, #16]
        mov     x8, #ACCEPT
        mov     w0, w21
        mov     x1, sp
        add     x2, sp, #16
        svc     #0
        tbnz    w0, #31, next
        mov     w22, w0                         // the connection
        ldr     w0, [sp, #4]
        ldr     w1, gateway
        cmp     w0, w1
        b.ne    hangup
        bl      fork
        cbz     w0, serve
hangup: mov     x8, #CLOSE
        mov     w0, w22
        svc     #0
        b       next

        // One process a direction.
serve:  mov     x8, #CLOSE
        mov     w0, w21
        svc     #0
        mov     x8, #SOCKET
        mov     x0, #1
        mov     x1, #1
        mov     x2, #0
        svc     #0
        tbnz    w0, #31, failed
        mov     w21, w0                         // the engine
        mov     x8, #CONNECT
        mov     w0, w21
        mov     x1, x23
        mov     w2, w19
        svc     #0
        tbnz    w0, #31, failed
        bl      fork
        tbnz    w0, #31, failed
        cbnz    w0, copy
        mov     w0, w21
        mov     w21, w22
        mov     w22, w0

        // From w22 to w21 until its end, which is handed on.
copy:   sub     sp, sp, #BUFFER
read:   mov     x8, #READ
        mov     w0, w22
        mov     x1, sp
        mov     x2, #BUFFER
        svc     #0
        cmp     x0, #0
        b.le    ended
        mov     x24, x0
        mov     x25, sp
write:  mov     x8, #WRITE
        mov     w0, w21
        mov     x1, x25
        mov     x2, x24
        svc     #0
        cmp     x0, #0
        b.le    broken
        add     x25, x25, x0
        subs    x24, x24, x0
        b.ne    write
        b       read
broken: mov     x8, #SHUTDOWN                   // nobody hears it: the other direction ends too
        mov     w0, w22
        mov     x1, #2
        svc     #0
ended:  mov     x8, #SHUTDOWN
        mov     w0, w21
        mov     x1, #1
        svc     #0

done:   mov     x0, #0
        b       leave
failed: mov     x0, #1
leave:  mov     x8, #EXIT
        svc     #0

fork:   mov     x8, #CLONE
        mov     x0, #SIGCHLD
        mov     x1, #0
        mov     x2, #0
        mov     x3, #0
        mov     x4, #0
        svc     #0
        ret

gateway:
        .byte   10, 0, 2, 2                     // in network order
end:
