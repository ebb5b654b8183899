@echo off
rem Stand-in for isaaclab.bat of Isaac Lab 2.1, written for these tests from its measured behaviour.
setlocal EnableExtensions EnableDelayedExpansion
set "ISAACLAB_PATH=%~dp0"
if not "%~1"=="-p" goto no_python

rem The first Python that is there; VIRTUAL_ENV is not looked at.
set python_exe=
if exist "%ISAACLAB_PATH%_isaac_sim\python.bat" set python_exe=%ISAACLAB_PATH%_isaac_sim\python.bat
if not "%CONDA_PREFIX%"=="" set python_exe=%CONDA_PREFIX%\python.exe
if "!python_exe!"=="" goto no_python

rem A loop copies the arguments after -p, and takes "=", "," and ";" for blanks, "*" and "?" for file names.
rem It asks whether SKIP is defined, which a variable of the caller's answers as well.
set all_arguments=
for %%a in (%*) do (
    if defined SKIP set all_arguments=!all_arguments! %%a
    set SKIP=1
)

rem What a block expands is expanded before the block runs: a parenthesis of PYTHONPATH can end it early, and the
rem rest of the block then runs whatever was asked.
if defined python_exe (
    set PYTHONPATH=%PYTHONPATH%
) else (
    goto no_python
)
rem A batch file that is entered without CALL does not come back: its own exit code is the result.
!python_exe! !all_arguments!
goto end

:no_python
echo [ERROR] No Python found.

:end
exit /b 0
