"""A script of 2019: a pod with a container from its creation to its end."""

import json
import signal
import sys

import podman

NAME = "old-pod"
IMAGE = "localhost/busybox:latest"

client = podman.Client(uri=sys.argv[1], interface="io.podman")
pod = client.pods.create(NAME)
told = {"created": pod.status, "name": client.pods.get(NAME).name}
try:
    pod.start()
except podman.NoContainersInPod as error:
    told["empty"] = error.name == pod.id

member = client.images.get(IMAGE).create(name="old-member", pod=NAME, args=[IMAGE, "sleep", "1000"])
pod.start()
pod.refresh()
told["started"] = [pod.status, pod.numberofcontainers]
told["listed"] = [one.id == pod.id for one in client.pods.list()]
told["inspected"] = pod.inspect().config["id"] == pod.id
told["members"] = [one["id"] == member.id for one in pod.inspect().containers]
told["memory"] = [one.mem_usage > 0 for one in pod.stats()]
told["paused"] = pod.pause().refresh().status
told["unpaused"] = pod.unpause().refresh().status
pod.restart()
told["killed"] = pod.kill(signal.SIGKILL).id == pod.id
pod.stop()
told["stopped"] = pod.refresh().status
told["removed"] = pod.remove(force=True) == pod.id
try:
    client.pods.get(NAME)
except podman.PodNotFound as error:
    told["missing"] = error.name
json.dump(told, sys.stdout)
