"""A script of 2019: what is done with images, without a registry."""

import json
import sys

import podman

IMAGE = "localhost/busybox:latest"

client = podman.Client(uri=sys.argv[1], interface="io.podman")
image = client.images.get(IMAGE)
told = {
    "listed": [one.repoTags for one in client.images.list() if one.id == image.id],
    "inspected": image.inspect().id == image.id,
    "history": [step.comment for step in image.history()],
}
told["tagged"] = image.tag("localhost/old:tagged") == image.id
told["names"] = sorted(client.images.get("localhost/old:tagged").repoTags)

container = image.create(args=[IMAGE, "sh", "-c", "echo kept > /data/kept"])
container.start()
container.wait()
told["committed"] = container.commit("localhost/old:committed", change=["CMD=cat /data/kept"])
committed = client.images.get("localhost/old:committed")
told["command"] = committed.inspect().config["cmd"]
told["exported"] = committed.export("docker-archive:old/image.tar") == committed.id

container.export("old/root.tar")
container.remove()
imported = client.images.import_image("old/root.tar", "localhost/old:imported", changes=["ENV=A=b"])
told["imported"] = client.images.get("localhost/old:imported").id == imported
told["environment"] = client.images.get(imported).inspect().config["env"]
committed.remove(force=True)
client.images.pull("docker-archive:old/image.tar")
told["pulled"] = client.images.get(committed.id).id == committed.id
for name in (committed.id, imported):
    client.images.get(name).remove(force=True)
try:
    client.images.get("localhost/old:committed")
except podman.ImageNotFound as error:
    told["missing"] = error.id
json.dump(told, sys.stdout)
