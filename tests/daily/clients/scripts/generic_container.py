"""A test of somebody's, by testcontainers' generic container: what it found, as JSON."""

import json
import sys
import urllib.request

from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

SERVER = "echo served > /tmp/index.html; echo begun; exec httpd -f -p 8000 -h /tmp"

image, with_ports = sys.argv[1], sys.argv[2] == "ports"
container = DockerContainer(image).with_command(["sh", "-c", SERVER]).with_env("WORD", "value")
if with_ports:
    container = container.with_exposed_ports(8000)
with container:
    wait_for_logs(container, "begun", timeout=120)
    found = {
        "host": container.get_container_host_ip(),
        "environment": container.exec(["sh", "-c", "echo $WORD"]).output.decode(),
        "logs": container.get_logs()[0].decode(),
    }
    if with_ports:
        address = f"http://{found['host']}:{container.get_exposed_port(8000)}/"
        with urllib.request.urlopen(address, timeout=60) as answer:
            found["served"] = answer.read().decode()
print(json.dumps(found))
