# Understudy: builds with cargo, installs with install(1). Targets:
#   all        the server and its tool, optimised
#   install    into DESTDIR; see the variables; never overwrites a configuration
#   uninstall  removes what install put there, but no configuration and no leases
#   test       all tests; as root on Debian it first installs what they need
#   check      format, lints, all tests, manual pages, samples
#   sim        SEEDS runs of the simulator, from seed FROM on; SEED=... for one alone, as a failing run prints it
#   model      searches all ways through a tiny world; DEPTH=n steps deep (a step more takes ten to twenty times as
#              long; four steps are 555,000 states, 17 minutes of one core)
#   demo       a pair of servers and real clients in network namespaces of their own, with a transcript
#   bench      measures the server, and pairs of servers, beside others, and breaks the pairs; about 25 minutes
#   chaos      a pair, a second primary and 200 clients under random faults: MINUTES=10 SEED=n MODE=both
#   clean      removes what was built
.POSIX:

PREFIX = /usr/local
SBINDIR = $(PREFIX)/sbin
MANDIR = $(PREFIX)/share/man
LIBDIR = $(PREFIX)/lib
SYSCONFDIR = /etc
STATEDIR = /var/lib
# User and group that the server runs as; made by install when it works as root on the running system.
SERVICE_USER = understudy
# Folder with the two programs; install builds them only where they are missing.
BUILT = $${CARGO_TARGET_DIR:-target}/release

# Of `make chaos`: how long, which faults (empty: by chance), and default, strict or both.
MINUTES = 10
SEED =
MODE = both

# cargo is found in its usual place too, since su and sudo often leave that out of PATH.
CARGO = env PATH="$$PATH:$${CARGO_HOME:-$$HOME/.cargo}/bin" cargo
PLACES = -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@STATEDIR@|$(STATEDIR)|g' \
	-e 's|@USER@|$(SERVICE_USER)|g'
SAMPLE_PLACES = -e 's|/etc/understudy|$(SYSCONFDIR)/understudy|g' \
	-e 's|/var/lib/understudy|$(STATEDIR)/understudy|g'
UNITS = $(DESTDIR)$(LIBDIR)/systemd/system
SYSUSERS = $(DESTDIR)$(LIBDIR)/sysusers.d
TMPFILES = $(DESTDIR)$(LIBDIR)/tmpfiles.d
CONFIGS = $(DESTDIR)$(SYSCONFDIR)/understudy
STATE = $(DESTDIR)$(STATEDIR)/understudy

all: toolchain
	$(CARGO) build --release --locked --bins

toolchain:
	@$(CARGO) --version >/dev/null 2>&1 || { \
		echo 'cargo is missing: install a Rust toolchain, 1.88 or later (https://rustup.rs)' >&2; exit 1; }

programs:
	@test -x "$(BUILT)/understudyd" && test -x "$(BUILT)/understudyctl" || $(MAKE) all

install: programs
	install -d -m 0755 "$(DESTDIR)$(SBINDIR)" "$(CONFIGS)" "$(UNITS)" "$(SYSUSERS)" "$(TMPFILES)"
	install -m 0755 "$(BUILT)/understudyd" "$(BUILT)/understudyctl" "$(DESTDIR)$(SBINDIR)"
	for page in man/*.[1-9]; do \
		folder="$(DESTDIR)$(MANDIR)/man$${page##*.}"; \
		install -d -m 0755 "$$folder" && install -m 0644 "$$page" "$$folder" || exit 1; done
	for sample in etc/*.ini; do \
		target="$(CONFIGS)/$${sample#etc/}.sample"; \
		sed $(SAMPLE_PLACES) "$$sample" >"$$target" && chmod 0644 "$$target" || exit 1; done
	sed $(PLACES) etc/understudyd.service >"$(UNITS)/understudyd.service"
	sed $(PLACES) etc/understudy.sysusers >"$(SYSUSERS)/understudy.conf"
	sed $(PLACES) etc/understudy.tmpfiles >"$(TMPFILES)/understudy.conf"
	chmod 0644 "$(UNITS)/understudyd.service" "$(SYSUSERS)/understudy.conf" "$(TMPFILES)/understudy.conf"
	test -d "$(STATE)" || install -d -m 0750 "$(STATE)"
	@if test -z "$(DESTDIR)" && test "$$(id -u)" = 0; then $(MAKE) account; fi

# The account of the service, and its hold on the state folder.
account:
	id -u $(SERVICE_USER) >/dev/null 2>&1 || systemd-sysusers "$(SYSUSERS)/understudy.conf" || \
		useradd --system --user-group --home-dir "$(STATE)" --no-create-home \
			--shell /usr/sbin/nologin $(SERVICE_USER)
	chown -R $(SERVICE_USER):$(SERVICE_USER) "$(STATE)"
	if test -d /run/systemd/system; then systemctl daemon-reload; fi

uninstall:
	rm -f "$(DESTDIR)$(SBINDIR)/understudyd" "$(DESTDIR)$(SBINDIR)/understudyctl"
	rm -f "$(UNITS)/understudyd.service" "$(SYSUSERS)/understudy.conf" "$(TMPFILES)/understudy.conf"
	for page in man/*.[1-9]; do \
		rm -f "$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page#man/}" || exit 1; done
	for sample in etc/*.ini; do rm -f "$(CONFIGS)/$${sample#etc/}.sample" || exit 1; done
	@echo "left in place: $(CONFIGS) and $(STATE)"

test: toolchain
	tests/setup.sh test
	tests/run.sh

check: toolchain
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets --features portable -- -D warnings
	$(CARGO) clippy --locked --all-targets --features teeth -- -D warnings
	tests/setup.sh test
	tests/run.sh
	mandoc -Tlint -Wwarning man/*.[1-9]
	folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && head -c 32 /dev/urandom | base64 >"$$folder/key" && \
	for sample in etc/*.ini; do \
		sed "s|^FailoverKeyFile = .*|FailoverKeyFile = $$folder/key|" "$$sample" >"$$folder/sample.ini" && \
		$(CARGO) run --quiet --locked -- -t -c "$$folder/sample.ini" || exit 1; done

# SEED, FROM, FAULTS and STRICT are read from the environment too.
SEEDS = 1000
sim: toolchain
	SEEDS=$(SEEDS) $(CARGO) test --release --locked --test sim the_seeds_that_are_asked_for -- --nocapture

# The tests go two or three steps deep; the optimised build is some four times as fast.
DEPTH = 4
FOLLOW = 50
model: toolchain
	DEPTH=$(DEPTH) FOLLOW=$(FOLLOW) $(CARGO) test --release --locked --test model no_way -- --nocapture

demo: all
	tests/setup.sh demo
	tests/demo/run

bench: all
	$(CARGO) build --release --locked --examples
	tests/bench/run; single=$$?; tests/bench/pair; pair=$$?; tests/bench/faults && exit $$((single + pair))

chaos: toolchain
	MINUTES="$(MINUTES)" SEED="$(SEED)" MODE="$(MODE)" tests/chaos/run

clean:
	$(CARGO) clean

.PHONY: all toolchain programs install account uninstall test check sim model demo bench chaos clean
