@echo off
rem Stand-in for isaaclab.bat of Isaac Lab 3.0, written for these tests from its measured behaviour: a thin
rem wrapper around a command line in Python, which gets the arguments as they are.
setlocal EnableExtensions EnableDelayedExpansion
set "ISAACLAB_PATH=%~dp0"
set "PYTHONPATH=%ISAACLAB_PATH%source;%PYTHONPATH%"

set python_exe=
if exist "%ISAACLAB_PATH%_isaac_sim\python.bat" set "python_exe=%ISAACLAB_PATH%_isaac_sim\python.bat"
if not "%CONDA_PREFIX%"=="" set "python_exe=%CONDA_PREFIX%\python.exe"
if not "%VIRTUAL_ENV%"=="" set "python_exe=%VIRTUAL_ENV%\Scripts\python.exe"
if "%python_exe%"=="" (
    echo [ERROR] No Python found.
    exit /b 1
)

rem A batch file entered without CALL does not come back: then its own exit code is the result.
"%python_exe%" "%ISAACLAB_PATH%source\standin_cli.py" %*
rem True for 1 and above only: a crash, which is negative here, passes as a success.
if errorlevel 1 exit /b 1
exit /b 0
