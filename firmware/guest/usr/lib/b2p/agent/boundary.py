"""What of the host's loopback the machine reaches: all that listens there, or nothing.

QEMU's user-mode network leads every address of its own network to the host's loopback, not the
gateway's alone: libslirp, sotranslate_out. Containers cannot lift these rules; root in here can.
"""

import os

import addresses
import power
import publish

MARK = "/run/b2p/host-closed"

# Answers to the host (its forwards come from the gateway) are not new connections. Calls have rules
# of their own, see publish.py.
REFUSALS = f"""
    ct state established,related accept
    oifname "lo" accept
    ip daddr {addresses.CALLS_ADDRESS} accept
    ip daddr {addresses.NAMESERVER} meta l4proto {{ tcp, udp }} th dport 53 accept
    ip daddr {addresses.NETWORK} reject
    ip6 daddr {{ fec0::/10, fe80::/10 }} meta l4proto {{ tcp, udp }} reject
"""
EMPTY = """
table inet b2p_host
delete table inet b2p_host
"""
TABLE = f"""{EMPTY}
table inet b2p_host {{
  chain own {{
    type filter hook output priority filter
{REFUSALS}
  }}
  chain forwarded {{
    type filter hook forward priority filter
{REFUSALS}
  }}
}}
"""


def be(*, closed: bool) -> None:
    """Keep the machine and its containers from the host's loopback, or let them; OSError."""
    if closed == os.path.exists(MARK):
        return
    power.run_with(TABLE if closed else EMPTY, publish.NFT, "-f", "-")
    if closed:
        os.makedirs(os.path.dirname(MARK), exist_ok=True)
        with open(MARK, "w"):
            pass
    else:
        os.unlink(MARK)
