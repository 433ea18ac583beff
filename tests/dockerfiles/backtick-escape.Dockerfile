# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest `
      -Uri http://172.17.0.1:3000/setup.exe `
      -OutFile C:\setup.exe
COPY scripts C:\scripts\
