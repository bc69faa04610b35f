"""Pages of the site that lie outside of docs/, and links as the repository has them.

The README, the examples' and each package's DESIGN.md stay where they are, and
every page keeps links that work in a checkout. Here they become the site's.
"""

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger("mkdocs.hooks.windrow")

# ](target) and ](target#anchor), not of other hosts and not within a page.
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(#[^)\s]*)?(?=\))")


def outside():
    """Gives the site's path of each page outside of docs/ by the repository's."""
    pages = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "examples/wasm/README.md": "examples/index.md"}
    for readme in ROOT.glob("examples/wasm/*/README.md"):
        pages[readme.relative_to(ROOT).as_posix()] = f"examples/{readme.parent.name}.md"
    for room in ("api", "cluster", "queue", "runtime", "sdk", "workflow"):
        for design in ROOT.glob(f"{room}/**/DESIGN.md"):
            folder = design.parent.relative_to(ROOT).as_posix()
            if "node_modules" not in folder:
                pages[f"{folder}/DESIGN.md"] = f"design/{folder}.md"
    return pages


def on_files(files, config):
    for path, site in outside().items():
        files.append(File.generated(config, site, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown, page, config, files):
    pages = outside()
    uri = page.file.src_uri
    here = next((path for path, site in pages.items() if site == uri), "docs/" + uri)

    def target(match):
        link, anchor = match[1], match[2] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), link))
        if (ROOT / path).is_dir() and (ROOT / path / "README.md").exists():
            path += "/README.md"
        site = pages.get(path)
        if site is None and path.startswith("docs/"):
            site = path.removeprefix("docs/")  # MkDocs says if it is not there
        if site is not None:
            return posixpath.relpath(site, posixpath.dirname(uri) or ".") + anchor
        if not (ROOT / path).exists():
            log.warning("%s links to %s, which does not exist", here, link)
        return config.extra["source"] + path + anchor

    return LINK.sub(target, markdown)
