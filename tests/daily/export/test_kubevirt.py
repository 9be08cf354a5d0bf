"""The VirtualMachine beside a containerdisk, against the types that KubeVirt publishes (by npm)."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from b2p.image import kubevirt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.daily, pytest.mark.timeout(600)]

TYPES = "@kubevirt-ui-ext/kubevirt-api@1.7.0"
"""Generated from KubeVirt's OpenAPI document."""
COMPILER = "typescript@5.9.3"
KEY = "ssh-ed25519 AAAA me@home"


@pytest.fixture(scope="module")
def compiles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], str]:
    """What TypeScript says against a value as a V1VirtualMachine; nothing where it is one."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("there is no Node.js here, which KubeVirt's types are read by")
    place = tmp_path_factory.mktemp("types")
    words = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place)]
    words += [TYPES, COMPILER]
    subprocess.run(words, check=True, capture_output=True, timeout=300)

    def compiled(value: Any) -> str:
        return _compiled(place, node, value)

    return compiled


def _compiled(place: Path, node: str, value: Any) -> str:
    source = place / "machine.mts"
    source.write_text(
        'import type { V1VirtualMachine } from "@kubevirt-ui-ext/kubevirt-api/kubevirt";\n'
        f"export const machine: V1VirtualMachine = {json.dumps(value)};\n"
    )
    compiler = place / "node_modules/typescript/bin/tsc"
    words = [node, str(compiler), "--noEmit", "--strict", "--skipLibCheck"]
    words += ["--module", "nodenext", "--target", "es2022", str(source)]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=place, timeout=300)
    assert bool(ended.returncode) == bool(ended.stdout), ended
    return ended.stdout


def manifest() -> dict[str, Any]:
    text = kubevirt.machine(name="b2p", reference="registry.example/b2p:1", keys=[KEY])
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_the_manifest_is_a_virtual_machine(compiles: Callable[[Any], str]) -> None:
    assert compiles(manifest()) == ""


def test_the_types_would_tell_a_word_that_kubevirt_does_not_know(
    compiles: Callable[[Any], str],
) -> None:
    wrong = manifest()
    wrong["spec"]["template"]["spec"]["volumes"][0]["containerDisk"]["imagee"] = "x"
    assert "imagee" in compiles(wrong)
    wrong = manifest()
    del wrong["spec"]["template"]["spec"]["domain"]["devices"]
    assert "devices" in compiles(wrong)
