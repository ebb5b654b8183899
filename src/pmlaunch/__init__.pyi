from pmlaunch.api import Comparison as Comparison
from pmlaunch.api import EvalRequest as EvalRequest
from pmlaunch.api import LaunchPlan as LaunchPlan
from pmlaunch.api import PmlaunchError as PmlaunchError
from pmlaunch.api import Progress as Progress
from pmlaunch.api import Run as Run
from pmlaunch.api import RunList as RunList
from pmlaunch.api import RunSummary as RunSummary
from pmlaunch.api import compare as compare
from pmlaunch.api import evaluate as evaluate
from pmlaunch.api import export as export
from pmlaunch.api import list_runs as list_runs
from pmlaunch.api import load_run as load_run
from pmlaunch.api import plan as plan

__version__: str
