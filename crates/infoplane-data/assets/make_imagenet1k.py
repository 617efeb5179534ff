"""Writes imagenet1k.tsv (wnid, name) from the class lists in the PyPI package timm.

    pip download --no-deps timm && unzip timm-*.whl 'timm/data/_info/*'
    python make_imagenet1k.py timm/data/_info > imagenet1k.tsv

The name is the first lemma of the synset; names that two classes share get their wnid appended.
"""
import collections
import pathlib
import sys

info = pathlib.Path(sys.argv[1])
wnids = (info / "imagenet_synsets.txt").read_text().split()
lemmas = dict(
    line.split("\t", 1) for line in (info / "imagenet_synset_to_lemma.txt").read_text().splitlines()
)
first = {wnid: lemmas[wnid].split(",")[0].strip() for wnid in wnids}
count = collections.Counter(first.values())
for wnid in wnids:
    name = first[wnid]
    print(f"{wnid}\t{name if count[name] == 1 else f'{name} ({wnid})'}")
