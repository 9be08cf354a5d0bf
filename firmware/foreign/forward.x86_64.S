# forward PORT SOCKET: in a guest without systemd's proxy and without socat, leads a TCP port to an
# engine's unix socket, for QEMU's gateway (10.0.2.2) alone: whoever else connects is hung up on, so
# containers do not reach the engine. It ends with 0 once the port listens, and a child of it serves
# from then on; with 1 where it cannot listen.
#
# Linux, x86-64, no library. The header is written out so that the file is the same from any linker.
        .set    GATEWAY, 0x0202000a             # 10.0.2.2, in network order
        .set    READ, 0
        .set    WRITE, 1
        .set    CLOSE, 3
        .set    SIGACTION, 13
        .set    SOCKET, 41
        .set    CONNECT, 42
        .set    ACCEPT, 43
        .set    SHUTDOWN, 48
        .set    BIND, 49
        .set    LISTEN, 50
        .set    SETSOCKOPT, 54
        .set    FORK, 57
        .set    EXIT, 60
        .set    SETSID, 112
        .set    BUFFER, 65536
        .set    LONGEST, 107                    # of a socket's path

        .text
        .globl  _start
header: .byte   0x7f
        .ascii  "ELF"
        .byte   2, 1, 1, 0                      # 64 bits, little endian
        .quad   0
        .short  2, 62                           # a program, for x86-64
        .long   1
        .quad   _start, program - header, 0
        .long   0
        .short  64, 56, 1, 0, 0, 0
program:
        .long   1, 5                            # loaded to be read and run
        .quad   0, header, header
        .quad   end - header, end - header, 4096

        # System calls: number in rax, arguments in rdi, rsi, rdx, r10, r8; rcx and r11 are lost.
_start:
        cmpq    $3, (%rsp)
        jne     failed
        mov     16(%rsp), %rsi                  # PORT
        mov     24(%rsp), %r15                  # SOCKET
        xor     %ebx, %ebx
digit:  movzbl  (%rsi), %eax
        sub     $'0', %eax
        js      number
        imul    $10, %ebx
        add     %eax, %ebx
        inc     %rsi
        jmp     digit
number: xchg    %bl, %bh                        # network order

        # sockaddr_un at r14, which all children share.
        sub     $128, %rsp
        mov     %rsp, %r14
        movw    $1, (%r14)                      # AF_UNIX
        xor     %ecx, %ecx
letter: cmp     $LONGEST, %ecx
        ja      failed
        movb    (%r15, %rcx), %al
        movb    %al, 2(%r14, %rcx)
        inc     %ecx
        test    %al, %al
        jnz     letter
        lea     2(%rcx), %r15d                  # its length

        # Nobody waits for children: without that they would stay as zombies. A write that nobody reads
        # is to fail, not to kill.
        sub     $32, %rsp
        movq    $1, (%rsp)                      # SIG_IGN
        movq    $0, 8(%rsp)
        movq    $0, 16(%rsp)
        movq    $0, 24(%rsp)
        mov     $SIGACTION, %eax
        mov     $17, %edi                       # SIGCHLD
        mov     %rsp, %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall
        mov     $SIGACTION, %eax
        mov     $13, %edi                       # SIGPIPE
        syscall

        mov     $SOCKET, %eax
        mov     $2, %edi                        # AF_INET
        mov     $1, %esi                        # SOCK_STREAM
        xor     %edx, %edx
        syscall
        test    %eax, %eax
        js      failed
        mov     %eax, %r12d                     # the listener

        movl    $1, (%rsp)
        mov     $SETSOCKOPT, %eax
        mov     %r12d, %edi
        mov     $1, %esi                        # SOL_SOCKET
        mov     $2, %edx                        # SO_REUSEADDR
        mov     %rsp, %r10
        mov     $4, %r8d
        syscall

        movq    $0, (%rsp)                      # any address
        movq    $0, 8(%rsp)
        movw    $2, (%rsp)
        movw    %bx, 2(%rsp)
        mov     $BIND, %eax
        mov     %r12d, %edi
        mov     %rsp, %rsi
        mov     $16, %edx
        syscall
        test    %eax, %eax
        js      failed
        mov     $LISTEN, %eax
        mov     %r12d, %edi
        mov     $64, %esi
        syscall
        test    %eax, %eax
        js      failed

        mov     $FORK, %eax
        syscall
        test    %eax, %eax
        js      failed
        jnz     done
        mov     $SETSID, %eax
        syscall

next:   movl    $16, 16(%rsp)
        mov     $ACCEPT, %eax
        mov     %r12d, %edi
        mov     %rsp, %rsi
        lea     16(%rsp), %rdx
        syscall
        test    %eax, %eax
        js      next
        mov     %eax, %r13d                     # the connection
        cmpl    $GATEWAY, 4(%rsp)
        jne     hangup
        mov     $FORK, %eax
        syscall
        test    %eax, %eax
        jz      serve
hangup: mov     $CLOSE, %eax
        mov     %r13d, %edi
        syscall
        jmp     next

        # One process a direction.
serve:  mov     $CLOSE, %eax
        mov     %r12d, %edi
        syscall
        mov     $SOCKET, %eax
        mov     $1, %edi
        mov     $1, %esi
        xor     %edx, %edx
        syscall
        test    %eax, %eax
        js      failed
        mov     %eax, %r12d                     # the engine
        mov     $CONNECT, %eax
        mov     %r12d, %edi
        mov     %r14, %rsi
        mov     %r15d, %edx
        syscall
        test    %eax, %eax
        js      failed
        mov     $FORK, %eax
        syscall
        test    %eax, %eax
        js      failed
        jnz     copy
        xchg    %r12d, %r13d

        # From r13 to r12 until its end, which is handed on.
copy:   sub     $BUFFER, %rsp
read:   mov     $READ, %eax
        mov     %r13d, %edi
        mov     %rsp, %rsi
        mov     $BUFFER, %edx
        syscall
        test    %rax, %rax
        jle     ended
        mov     %rax, %rbx
        mov     %rsp, %rbp
write:  mov     $WRITE, %eax
        mov     %r12d, %edi
        mov     %rbp, %rsi
        mov     %rbx, %rdx
        syscall
        test    %rax, %rax
        jle     broken
        add     %rax, %rbp
        sub     %rax, %rbx
        jnz     write
        jmp     read
broken: mov     $SHUTDOWN, %eax                 # nobody hears it: the other direction ends too
        mov     %r13d, %edi
        mov     $2, %esi
        syscall
ended:  mov     $SHUTDOWN, %eax
        mov     %r12d, %edi
        mov     $1, %esi
        syscall

done:   xor     %edi, %edi
        jmp     leave
failed: mov     $1, %edi
leave:  mov     $EXIT, %eax
        syscall
end:
