"""Django's settings.  What an installation changes comes from the environment: docs/settings.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from pktmask_site.command_settings import TRIMMING_STRATEGIES as TRIMMING_STRATEGIES
from pktmask_site.databases import database_settings
from pktmask_site.environment import read_installation
from pktmask_site.logs import logging_settings
from pktmask_site.scaling import broker, caches, captures_storage, channel_layers
from pktmask_site.version import app_version

BASE_DIR = Path(__file__).resolve().parent.parent
INSTALLATION = read_installation(BASE_DIR)
DATA_DIR = INSTALLATION.data_dir
# a folder for each environment, with the files that an installation edits
CONFIG_DIR = INSTALLATION.config_dir

VERSION = app_version()
SECRET_KEY = INSTALLATION.secret_key
# verify what was sealed in the audit log before the key was replaced
AUDIT_OLD_KEYS = INSTALLATION.old_secret_keys
DEBUG = False
ALLOWED_HOSTS = list(INSTALLATION.allowed_hosts)
ROOT_URLCONF = "pktmask_site.urls"
ASGI_APPLICATION = "pktmask_site.asgi.application"

INSTALLED_APPS = [
    # first those whose permissions and content types ours build on after each migrate
    "pktmask_site.admin_site.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "channels",
    "csp",
    "config",
    "trimming",
    "monitoring",
    "migration",
    "pktmask_site",
]
MIDDLEWARE = [
    "pktmask_site.middleware.request_context",
    "pktmask_site.security_headers.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "pktmask_site.middleware.bind_user",
    "pktmask_site.sign_in.sessions.note_activity",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # after those that ask who sends it, and for its token
    "pktmask_site.plain_requests.PlainRequests",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "monitoring.context_processors.service_now",
                "migration.context_processors.rollout_now",
                "pktmask_site.context_processors.demo",
                "pktmask_site.context_processors.help_here",
            ]
        },
    }
]

# --- data -----------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": database_settings(INSTALLATION.database_url, DATA_DIR)
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STORAGES: dict[str, dict[str, Any]] = {
    "default": captures_storage(INSTALLATION.bucket),
    "staticfiles": {"BACKEND": "pktmask_site.static_storage.StaticStorage"},
}
MEDIA_ROOT = DATA_DIR / "files"
# uploads are spooled on the file system of the storage, so that keeping one is a rename
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
FILE_UPLOAD_HANDLERS = ["trimming.uploads.CaptureUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
# private copies of running jobs
WORK_ROOT = DATA_DIR / "work"

# --- workers and live updates ---------------------------------------------------------------------
Q_CLUSTER: dict[str, Any] = {
    "name": "pktmask",
    **broker(INSTALLATION.redis_url, is_alone=INSTALLATION.is_alone),
    "workers": INSTALLATION.workers,
    "poll": 0.2,
    # our own deadline ends a job; django-q2's timeout lies above the largest one, and the time
    # after which a broker repeats a message above that
    "timeout": 24 * 3600,
    "retry": 7 * 24 * 3600,
    "queue_limit": INSTALLATION.workers,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    # successes are not stored: runs are our history; the monitor removes old failures
    "save_limit": -1,
    # signs of life count as tasks, so a worker is renewed about every half hour when idle
    "recycle": 200,
    "guard_cycle": 1,
    "label": _("Tasks"),
}
CHANNEL_LAYERS = channel_layers(INSTALLATION.redis_url)
CACHES = caches(INSTALLATION.redis_url)

# --- languages and times --------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# each by its own name
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- people ---------------------------------------------------------------------------------------
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# length, and what is guessed first; no rules about kinds of characters (OWASP ASVS 2.1.9)
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# of second factors; how often a code may be tried is said by the section sign_in, as of passwords
OTP_TOTP_ISSUER = "PktMask"
OTP_TOTP_THROTTLE_FACTOR = 0
OTP_STATIC_THROTTLE_FACTOR = 0
# how long a sign-in lasts is said by the section sign_in
SESSION_ENGINE = "pktmask_site.sign_in.sessions"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True

# --- what a browser may do ------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "pktmask_site.static_finders.PlotlyFinder",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# beyond one machine everything goes over TLS
SECURE_SSL_REDIRECT = not INSTALLATION.is_local
# who watches the service asks its processes directly, not through the proxy that has TLS
SECURE_REDIRECT_EXEMPT = [r"^metrics$", r"^healthz$", r"^readyz$"]
SESSION_COOKIE_SECURE = not INSTALLATION.is_local
CSRF_COOKIE_SECURE = not INSTALLATION.is_local
LANGUAGE_COOKIE_SECURE = not INSTALLATION.is_local
# scripts have the token from the page
CSRF_COOKIE_HTTPONLY = True
if not INSTALLATION.is_local:
    # browsers take such cookies from this host only, over TLS, for all of its paths
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
SECURE_HSTS_SECONDS = 0 if INSTALLATION.is_local else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = not INSTALLATION.is_local
SECURE_HSTS_PRELOAD = not INSTALLATION.is_local
if INSTALLATION.trusts_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- logs -----------------------------------------------------------------------------------------
LOGGING_CONFIG = None
logging_settings(as_json=INSTALLATION.logs_json, to=INSTALLATION.log_to)
