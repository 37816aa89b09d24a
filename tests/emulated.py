"""A container of a manifest without a container engine: folders for its mounts, and its environment."""

from collections.abc import Mapping
from pathlib import Path

from tests.manifests import Object

KEY = "a-key-of-sixteen-characters"


def folders(pod: Object, container: Object, root: Path) -> dict[str, Path]:
    """By mount path a folder in `root`, called by the claim or the volume; a Secret's has the key in it."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    found = {}
    for mount in container["volumeMounts"]:
        claim = volumes[mount["name"]].get("persistentVolumeClaim", {}).get("claimName")
        folder = root / (claim or mount["name"])
        folder.mkdir(exist_ok=True)
        if "secret" in volumes[mount["name"]]:
            (folder / "api-keys").write_text(f"{KEY}\n")
        found[mount["mountPath"]] = folder
    return found


def environment(container: Object, mounted: Mapping[str, Path]) -> dict[str, str]:
    """The variables of the container; a Secret's value is the key, an optional one is left out."""
    found = {}
    for variable in container.get("env", []):
        if "value" in variable:
            found[variable["name"]] = placed(variable["value"], mounted)
        elif not variable["valueFrom"]["secretKeyRef"].get("optional"):
            found[variable["name"]] = KEY
    return found


def placed(text: str, mounted: Mapping[str, Path]) -> str:
    """A path below a mount as one below its folder; any other text as it is."""
    for mount in sorted(mounted, key=len, reverse=True):
        if f"{text}/".startswith(f"{mount}/"):
            return f"{mounted[mount]}{text.removeprefix(mount)}"
    return text
