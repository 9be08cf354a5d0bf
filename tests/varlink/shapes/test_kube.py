from __future__ import annotations

from typing import Any

import pytest

GENERATED = """\
# Save the output of this file and use kubectl create -f to import
# it into Kubernetes.
#
# Created with podman-5.4.2
apiVersion: v1
kind: Pod
metadata:
  annotations:
    bind-mount-options: /data:z
    io.example/a:b: c
  creationTimestamp: "2026-01-02T03:04:05Z"
  labels:
    app: web-pod
  name: web-pod
spec:
  containers:
  - args:
    - sh
    - -c
    - |
      #!/bin/sh
      # not a comment

      exec httpd
    - 'echo: x'
    - "a tab\\there, an escape \\x1b: y"
    - http://example.org/
    command:
    - "1"
    env:
    - name: TEXT
      value: |-
        one
          two
    - name: EMPTY
      value: ""
    image: docker.io/library/alpine:latest
    name: web
    ports:
    - containerPort: 80
      hostPort: 8080
    resources: {}
    securityContext:
      capabilities:
        drop:
        - CAP_MKNOD
      readOnlyRootFilesystem: true
  restartPolicy: Never
---
apiVersion: v1
kind: Service
spec:
  ports:
  - name: "80"
    port: 80
status:
  loadBalancer: {}
"""


@pytest.fixture(scope="module")
def kube(gateway: Any) -> Any:
    return gateway("shapes.kube")


def test_what_podman_generates(kube: Any) -> None:
    pod, service = kube.documents(GENERATED)
    assert pod["metadata"] == {
        "annotations": {"bind-mount-options": "/data:z", "io.example/a:b": "c"},
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {"app": "web-pod"},
        "name": "web-pod",
    }
    assert pod["spec"]["restartPolicy"] == "Never"
    assert service["spec"]["ports"] == [{"name": "80", "port": 80}]
    assert service["status"] == {"loadBalancer": {}}


def test_a_container_of_it(kube: Any) -> None:
    (container,) = kube.documents(GENERATED)[0]["spec"]["containers"]
    assert container["args"] == [
        "sh",
        "-c",
        "#!/bin/sh\n# not a comment\n\nexec httpd\n",
        "echo: x",
        "a tab\there, an escape \x1b: y",
        "http://example.org/",
    ]
    assert container["command"] == ["1"]
    assert container["env"] == [
        {"name": "TEXT", "value": "one\n  two"},
        {"name": "EMPTY", "value": ""},
    ]
    assert container["ports"] == [{"containerPort": 80, "hostPort": 8080}]
    assert container["resources"] == {}
    assert container["securityContext"] == {
        "capabilities": {"drop": ["CAP_MKNOD"]},
        "readOnlyRootFilesystem": True,
    }


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("7", 7),
        ("-7", -7),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ("1.2.3", "1.2.3"),
        ("'it''s'", "it's"),
        ('"\\u00e9\\n\\"\\\\"', 'é\n"\\'),
        ("500m", "500m"),
    ],
)
def test_a_word(kube: Any, word: str, wanted: Any) -> None:
    assert kube.scalar(word) == wanted
    assert kube.documents(f"a: {word}\n") == [{"a": wanted}]


def test_a_long_word_goes_on_in_the_next_line(kube: Any) -> None:
    assert kube.documents("a: one\n  two\nb: 'x\n  y'\n") == [{"a": "one two", "b": "x y"}]


def test_block_texts(kube: Any) -> None:
    assert kube.documents("a: |2\n     x\n    y\nb: |+\n  z\n\nc: 1\n") == [
        {"a": "   x\n  y\n", "b": "z\n", "c": 1}
    ]


def test_lists_of_lists(kube: Any) -> None:
    assert kube.documents("a:\n- - 1\n  - 2\n-\n  - 3\n") == [{"a": [[1, 2], [3]]}]


def test_nothing_is_no_document(kube: Any) -> None:
    assert kube.documents("") == kube.documents("# nothing\n---\n") == []


def test_a_line_without_a_key_is_refused(kube: Any) -> None:
    with pytest.raises(ValueError, match="no key"):
        kube.documents("a: 1\nb\n")
