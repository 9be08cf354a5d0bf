"""A VirtualMachine of KubeVirt's for an exported image, as YAML to be read and changed. Pure.

Names as in KubeVirt's API v1; tests/daily/export compares it with what KubeVirt publishes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from b2p.machine import ports

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXT = """\
# b2p's own machine on a cluster with KubeVirt:
# kubectl apply -f THIS, then virtctl ssh core@vm/{name}
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
spec:
  runStrategy: Always
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      domain:
        cpu:
          cores: 2
        memory:
          guest: 2Gi
        devices:
          rng: {{}}
          disks:
            - name: system
              disk:
                bus: virtio
            - name: data
              serial: {serial}
              disk:
                bus: virtio
            - name: seed
              disk:
                bus: virtio
          interfaces:
            - name: default
              model: virtio
              masquerade: {{}}
      networks:
        - name: default
          pod: {{}}
      volumes:
        - name: system
          containerDisk:
            image: {reference}
        # Containers and their data go when the machine goes; a persistentVolumeClaim keeps them.
        - name: data
          emptyDisk:
            capacity: 20Gi
        - name: seed
          cloudInitNoCloud:
            userData: |
              #cloud-config
              hostname: {name}
              ssh_authorized_keys: {keys}
"""


def machine(*, name: str, reference: str, keys: Sequence[str]) -> str:
    """The manifest of a machine of that name; `reference` is where the cluster pulls its disk."""
    return _TEXT.format(
        name=name,
        serial=ports.DATA_DISK_SERIAL,
        reference=json.dumps(reference),
        keys=json.dumps(list(keys)),
    )
