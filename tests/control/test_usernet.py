"""The table of `info usernet`, as QEMU 11.1.3 printed it."""

from __future__ import annotations

from b2p.control.usernet import Forward, add_failure, forwards, host_port, remove_failure

# hostfwd=tcp:127.0.0.1:0-:22, unix:/tmp/sc/pod-man.sock-:2375, udp, and one bound everywhere.
TABLE = (
    "Hub -1 (net0):\r\n"
    "  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n"
    "  TCP[HOST_FORWARD]  20               * 40112       10.0.2.15    80     0     0\r\n"
    "  TCP[HOST_FORWARD]  14       127.0.0.1 33419       10.0.2.15    22     0     0\r\n"
    "  TCP[HOST_FORWARD]  12  109.112.47.115 12148       10.0.2.15  2375     0     0\r\n"
    "  UDP[HOST_FORWARD]  11       127.0.0.1 54704       10.0.2.15    53     0     0\r\n"
    "  TCP[ESTABLISHED]   15       127.0.0.1 33419       10.0.2.15    22     0     0\r\n"
    "  UDP[236 sec]       24       10.0.2.15 35061   91.189.89.198   123     0     0\r\n"
)


def test_every_forward_is_read_and_no_connection() -> None:
    assert forwards(TABLE) == (
        Forward("tcp", "*", 40112, "10.0.2.15", 80),
        Forward("tcp", "127.0.0.1", 33419, "10.0.2.15", 22),
        Forward("tcp", "109.112.47.115", 12148, "10.0.2.15", 2375),
        Forward("udp", "127.0.0.1", 54704, "10.0.2.15", 53),
    )


def test_the_port_that_leads_to_ssh_is_found() -> None:
    assert host_port(TABLE, 22) == 33419


def test_a_unix_sockets_made_up_address_is_no_port() -> None:
    assert host_port(TABLE, 2375) is None


def test_a_udp_forward_is_no_tcp_port() -> None:
    assert host_port(TABLE, 53) is None


def test_a_forward_that_is_bound_everywhere_is_found_by_its_star() -> None:
    assert host_port(TABLE, 80) is None
    assert host_port(TABLE, 80, address="*") == 40112


def test_a_table_without_lines_and_no_network_have_no_forwards() -> None:
    assert forwards("\r\n".join(TABLE.splitlines()[:2])) == ()
    assert forwards("") == ()


def test_the_last_line_counts_without_its_end() -> None:
    assert host_port("\n".join(TABLE.split("\r\n")[:4]), 22) == 33419


def test_any_answer_to_hostfwd_add_is_a_failure() -> None:
    assert add_failure("") == ""
    assert add_failure("unrecognized netdev id 'nope'\r\n") == "unrecognized netdev id 'nope'"


def test_hostfwd_remove_says_removed_where_it_did() -> None:
    assert remove_failure("host forwarding rule for tcp:127.0.0.1:40111 removed\r\n") == ""
    assert remove_failure("host forwarding rule for tcp:127.0.0.1:1 not found\r\n").endswith(
        "found"
    )
