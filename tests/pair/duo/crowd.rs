//! Many clients behind one relay, in one thread: each message of theirs goes to every server, as relays do.

use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::client::{Client, Habits, RESEND, Renewals, Way};
use super::echo::Echo;
use super::ledger::{Ledger, Mac, Observer};
use crate::rig::host::Host;
use crate::rig::packet::{Ask, Heard};
use crate::rig::raw::mac;

/// How finely the clients' timers are kept.
const TICK: Duration = Duration::from_millis(5);
/// Of those that come and go, who is away comes back after so long, in milliseconds.
const AWAY_MS: std::ops::Range<u64> = 3_000..25_000;

/// What a crowd is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// An address of the crowd's host in the subnet of the clients.
    pub(crate) relay: Ipv4Addr,
    pub(crate) servers: Vec<Ipv4Addr>,
    /// The number of the first client; crowds of one scenario use numbers of their own.
    pub(crate) first: u32,
    pub(crate) renew_after: Duration,
    pub(crate) renewals: Renewals,
}

enum Order {
    /// So many new clients.
    Join(u32),
    /// A new client each so often; zero ends it.
    Trickle(Duration),
    /// A client goes each so often, and another comes; zero ends it.
    Churn(Duration),
    /// Who hears nothing sends again after so long.
    Resend(Duration),
    /// All clients reboot.
    Reboot,
    /// All clients leave with a RELEASE.
    Release,
    /// Nobody sends anything from now on; what they hold they hold.
    Rest,
    /// They go on.
    Wake,
}

/// A crowd that runs; it ends when dropped.
pub(crate) struct Crowd {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) relay: Ipv4Addr,
}

impl Crowd {
    /// Begins with no clients in `host`.
    pub(crate) fn new(host: &Host, plan: Plan, observer: &Observer) -> Crowd {
        let relay = plan.relay;
        let bind = move |address: Ipv4Addr, port: u16| {
            let socket = UdpSocket::bind((address, port)).expect("binding a port of DHCP");
            socket.set_nonblocking(true).expect("a socket that does not wait");
            socket
        };
        let relaying = host.inside(move || bind(relay, 67));
        // Two crowds of one host cannot both have the clients' port; those that are relayed need none.
        let direct = (plan.renewals == Renewals::Unicast).then(|| host.inside(move || bind(Ipv4Addr::UNSPECIFIED, 68)));
        let (sender, orders) = channel();
        let habits = Habits { relay, renew_after: plan.renew_after, renewals: plan.renewals, resend: RESEND };
        let running = Running {
            plan,
            habits,
            relaying,
            direct,
            echo: Echo::new(host),
            clients: HashMap::new(),
            observer: observer.clone(),
            away: Vec::new(),
            trickle: Duration::ZERO,
            last_joined: Instant::now(),
            joined: 0,
            churn: Duration::ZERO,
            last_gone: Instant::now(),
            gone: 0,
            rests: false,
        };
        let thread = std::thread::spawn(move || running.run(&orders));
        Crowd { orders: Some(sender), thread: Some(thread), relay }
    }

    /// So many new clients come at once.
    pub(crate) fn join(&self, count: u32) {
        self.order(Order::Join(count));
    }

    /// From now on a new client comes each `pause`; none any more when it is zero.
    pub(crate) fn trickle(&self, pause: Duration) {
        self.order(Order::Trickle(pause));
    }

    /// From now on a client goes each `pause`: by turns with a RELEASE, without a word, or for a while, after which it
    /// asks for its address again. Another comes in place of the first two. Nobody goes any more when it is zero.
    pub(crate) fn churn(&self, pause: Duration) {
        self.order(Order::Churn(pause));
    }

    /// From now on who hears nothing sends again after `pause`.
    pub(crate) fn resend_after(&self, pause: Duration) {
        self.order(Order::Resend(pause));
    }

    /// All clients reboot and ask for their addresses.
    pub(crate) fn reboot(&self) {
        self.order(Order::Reboot);
    }

    /// All clients give their addresses back and leave.
    pub(crate) fn release(&self) {
        self.order(Order::Release);
    }

    /// Nobody sends; leases run on.
    pub(crate) fn rest(&self) {
        self.order(Order::Rest);
    }

    /// They go on after a rest.
    pub(crate) fn wake(&self) {
        self.order(Order::Wake);
    }

    fn order(&self, order: Order) {
        let orders = self.orders.as_ref().expect("taken at the end only");
        orders.send(order).expect("the thread of the crowd");
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Running {
    plan: Plan,
    habits: Habits,
    relaying: UdpSocket,
    direct: Option<UdpSocket>,
    echo: Echo,
    clients: HashMap<Mac, Client>,
    /// Who is away, and when it comes back.
    away: Vec<(Instant, Mac, Client)>,
    observer: Observer,
    trickle: Duration,
    last_joined: Instant,
    joined: u32,
    churn: Duration,
    last_gone: Instant,
    gone: u32,
    rests: bool,
}

impl Running {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.try_recv() {
                Ok(order) => self.obey(&order),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return,
            }
            self.wait();
            let observer = self.observer.clone();
            let mut ledger = observer.ledger();
            self.hear(&mut ledger);
            self.echo.answer(|address| self.clients.values().any(|client| client.holds(address)));
            if !self.rests {
                self.tick(&mut ledger);
            }
        }
    }

    fn obey(&mut self, order: &Order) {
        let now = Instant::now();
        match order {
            Order::Join(count) => (0..*count).for_each(|_| self.join(now)),
            Order::Trickle(pause) => self.trickle = *pause,
            Order::Churn(pause) => self.churn = *pause,
            Order::Resend(pause) => self.habits.resend = *pause,
            Order::Reboot => self.clients.values_mut().for_each(|client| client.reboot(now)),
            Order::Release => {
                let observer = self.observer.clone();
                let mut ledger = observer.ledger();
                for (_, client) in std::mem::take(&mut self.clients) {
                    if let Some((way, ask)) = client.release(now, &mut ledger) {
                        self.send(way, &ask);
                    }
                }
            }
            Order::Rest => self.rests = true,
            Order::Wake => self.rests = false,
        }
    }

    fn join(&mut self, now: Instant) {
        let mac = mac(self.plan.first + self.joined);
        self.joined += 1;
        self.last_joined = now;
        self.clients.insert(mac, Client::new(mac, now));
    }

    /// One client goes, in one of three ways, and those come back whose time has come.
    fn turn_over(&mut self, now: Instant, ledger: &mut Ledger) {
        for (_, mac, mut client) in self.away.extract_if(.., |(back, ..)| *back <= now) {
            client.reboot(now);
            self.clients.insert(mac, client);
        }
        if self.churn.is_zero() || now < self.last_gone + self.churn {
            return;
        }
        self.last_gone = now;
        self.gone += 1;
        let chance = u64::from(self.gone.wrapping_mul(0x9e37_79b1) ^ self.plan.first);
        let mut macs: Vec<Mac> = self.clients.keys().copied().collect();
        macs.sort_unstable();
        let place = usize::try_from(chance).expect("32 bits").checked_rem(macs.len());
        let Some((mac, client)) = place.and_then(|place| self.clients.remove_entry(&macs[place])) else { return };
        match self.gone % 3 {
            0 => {
                if let Some((way, ask)) = client.release(now, ledger) {
                    self.send(way, &ask);
                }
            }
            1 => {
                let pause = AWAY_MS.start + chance % (AWAY_MS.end - AWAY_MS.start);
                self.away.push((now + Duration::from_millis(pause), mac, client));
                return;
            }
            _ => {}
        }
        self.join(now);
    }

    fn wait(&self) {
        let sockets = [Some(&self.relaying), self.direct.as_ref()];
        let mut fds: Vec<PollFd<'_>> =
            sockets.into_iter().flatten().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, PollTimeout::try_from(TICK).unwrap_or(PollTimeout::ZERO));
    }

    fn hear(&mut self, ledger: &mut Ledger) {
        let mut buffer = [0; 2048];
        for socket in [Some(&self.relaying), self.direct.as_ref()].into_iter().flatten() {
            // An error is no datagram, or what ICMP says of a server that is gone: neither is a matter of a relay.
            while let Ok((length, _)) = socket.recv_from(&mut buffer) {
                let Some(heard) = Heard::from_payload(&buffer[..length]).filter(Heard::is_reply) else { continue };
                if let Some(client) = self.clients.get_mut(&heard.hardware()).filter(|_| !self.rests) {
                    client.on_reply(&heard, &self.habits, ledger);
                }
            }
        }
    }

    fn tick(&mut self, ledger: &mut Ledger) {
        let now = Instant::now();
        if !self.trickle.is_zero() && now >= self.last_joined + self.trickle {
            self.join(now);
        }
        self.turn_over(now, ledger);
        let mut messages = Vec::new();
        for client in self.clients.values_mut() {
            messages.extend(client.due(&self.habits, now, ledger));
        }
        for (way, ask) in messages {
            self.send(way, &ask);
        }
    }

    fn send(&self, way: Way, ask: &Ask) {
        // A server that was just killed leaves a refused port behind; that is no matter of the clients.
        match way {
            Way::Relay => {
                for server in &self.plan.servers {
                    let _ = self.relaying.send_to(&ask.bytes(), (*server, 67));
                }
            }
            Way::Server(server) => {
                let socket = self.direct.as_ref().unwrap_or(&self.relaying);
                let _ = socket.send_to(&ask.bytes(), (server, 67));
            }
        }
    }
}
