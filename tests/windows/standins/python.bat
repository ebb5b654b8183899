@echo off
rem Stand-in for Isaac Sim's python.bat: the environment of a binary install, then its own interpreter.
setlocal
set "ISAAC_PATH=%~dp0"
set "EXP_PATH=%~dp0apps"
set "CARB_APP_PATH=%~dp0kit"
set "PYTHONPATH=%PYTHONPATH%;%~dp0site"
"%~dp0kit\python\python.exe" %*
exit /b %errorlevel%
