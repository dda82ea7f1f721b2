"""The Python documentation: `sphinx-build -W docs/python OUT`; notebooks run while it is built."""

import importlib.metadata
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

project = "karin"
author = "the karin developers"
release = importlib.metadata.version("karin")
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.autosummary"]
html_theme = "furo"
html_title = f"karin {release}"
exclude_patterns = ["_build"]
# The gallery runs from top to bottom in one folder of data (gallery_data.py); a cell that fails fails the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 240
nb_execution_in_temp = True
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = False
napoleon_use_rtype = False
# Notebooks are compared as text and pictures, not as bytes of a run.
nb_execution_show_tb = True
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")]))
