@echo off
rem Stand-in for isaaclab.bat of Isaac Lab 2.3, written for these tests from its measured behaviour.
setlocal EnableExtensions EnableDelayedExpansion
set "ISAACLAB_PATH=%~dp0"
if not "%~1"=="-p" goto no_python

rem The first Python that is there; VIRTUAL_ENV is not looked at.
set python_exe=
if exist "%ISAACLAB_PATH%_isaac_sim\python.bat" set python_exe=%ISAACLAB_PATH%_isaac_sim\python.bat
if not "%CONDA_PREFIX%"=="" set python_exe=%CONDA_PREFIX%\python.exe
if "!python_exe!"=="" goto no_python

rem What a block expands is expanded before the block runs: a parenthesis can end it early, and the rest of the
rem block then runs whatever was asked. Here it is one of PYTHONPATH ...
if defined python_exe (
    set PYTHONPATH=%PYTHONPATH%
) else (
    goto no_python
)

rem ... and here one of an argument, bare or in a path, in quotes or not: measured as "nothing runs, code 0". Which of
rem them end the block is a matter of the cmd.exe, so all of them are looked for.
set text=%*
set text=%text:"=%
set "without=%text:(=%"
if not "%text%"=="%without%" goto broken

rem What stands behind -p is taken as one text. CALL reads its line twice.
for /f "tokens=1,* delims= " %%a in ("%*") do (
    call !python_exe! %%b
)
goto end

:broken
echo \x was unexpected at this time.
goto end

:no_python
echo [ERROR] No Python found.

:end
exit /b 0
