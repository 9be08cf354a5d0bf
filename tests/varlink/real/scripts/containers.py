"""A script of 2019: a container from its creation to its end, then one that is not there."""

import json
import signal
import sys

import podman

NAME = "old-container"
IMAGE = "localhost/busybox:latest"

client = podman.Client(uri=sys.argv[1], interface="io.podman")
told = {"version": client.system.versions.version}

image = client.images.get(IMAGE)
container = image.create(name=NAME, args=[IMAGE, "sh", "-c", "echo begun; exec sleep 1000"])
told["created"] = container.status
told["listed"] = [one.id == container.id for one in client.containers.list()]
container.start()
told["started"] = container.status
told["logs"] = list(container.logs())
told["processes"] = [line.split("\t")[-1] for line in container.processes()]
told["inspected"] = container.inspect().name
told["memory"] = container.stats().mem_usage
told["paused"] = container.pause().status
told["unpaused"] = container.unpause().status
told["changed"] = sorted(container.changes())
told["exported"] = container.export("old/container.tar")
container.restart(timeout=0)
container.kill(signal.SIGKILL)
told["waited"] = container.wait()
told["killed"] = container.refresh().status != "running"
container.start()
container.stop(timeout=0)
told["stopped"] = container.refresh().status
told["removed"] = container.remove() == container.id
try:
    client.containers.get(NAME)
except podman.ContainerNotFound as error:
    told["missing"] = error.id
json.dump(told, sys.stdout)
