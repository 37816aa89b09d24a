"""MkDocs's hook: the pages that are made from the code at each build, so that nothing is typed twice."""

import json
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs import architecture, commands, http_api, keys, metrics, python_api, result_form, tutorials

FIGURE = "<!-- the architecture -->"


def pages() -> dict[str, str]:
    """Every generated file, by its path in the site."""
    return {
        "reference/commands.md": commands.page(),
        "reference/task-keys.md": keys.page(),
        "reference/http-api.md": http_api.page(),
        "reference/openapi.json": json.dumps(http_api.document(), indent=1, ensure_ascii=False),
        "reference/metrics.md": metrics.page(),
        "reference/result.md": result_form.page(),
        **python_api.pages(),
        **tutorials.pages(),
    }


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation has every tutorial; a page that it does not name stands in its last section."""
    assert config.nav is not None
    (listed,) = (section["Tutorials"] for section in config.nav if "Tutorials" in section)
    listed[1:1] = tutorials.paths()
    named = json.dumps(config.nav)
    paths = sorted(path.name for path in Path(config.docs_dir).glob("*.md"))
    if left := [path for path in paths if f'"{path}"' not in named]:
        config.nav.append({"More": left})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what is generated."""
    for path, content in pages().items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the picture where a page asks for it."""
    return markdown.replace(FIGURE, architecture.figure()) if FIGURE in markdown else markdown
