"""Drivers of computers that b2p's own QEMU is not: exported images run there. Data only.

Each is kept in the image by its name; none of them is loaded in a machine of b2p's.
"""

from __future__ import annotations

_NETWORK = frozenset({
    "e1000", "e1000e", "igb", "igc", "r8169", "8139cp", "8139too", "tg3", "pcnet32",
    # what they need
    "libphy", "realtek", "mdio_devres", "fixed_phy", "dca", "i2c_algo_bit",
    # of clouds and other hypervisors
    "vmxnet3", "hv_netvsc", "xen_netfront", "ena", "gve",
})  # fmt: skip

_STORAGE = frozenset({
    "ahci", "libahci", "libata", "ata_piix", "ata_generic", "cdrom", "sr_mod",
    "nvme", "nvme_core", "nvme_auth", "nvme_keyring", "usb_storage", "uas",
    "vmw_pvscsi", "hv_storvsc", "scsi_transport_fc", "xen_blkfront",
})  # fmt: skip

_BUSES_AND_KEYS = frozenset({
    "usbcore", "usb_common", "xhci_hcd", "xhci_pci", "ehci_hcd", "ehci_pci", "ohci_hcd", "ohci_pci",
    "uhci_hcd", "hid", "hid_generic", "usbhid", "hv_vmbus", "hv_utils", "hyperv_keyboard",
    # The power button.
    "button",
})  # fmt: skip

DRIVERS = _NETWORK | _STORAGE | _BUSES_AND_KEYS
"""Names of modules as the kernel says them, with underscores."""
