//! What goes over a wire: a thread with a packet socket that keeps each DHCP frame, for tests to ask while it runs,
//! and for tshark to judge at the end.

use std::fs;
use std::io::Read;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, bind, socket};
use socket2::Socket;

use super::host::{Host, comes_true, until};
use super::packet::{Ask, Heard, OFFER, ones_sum, udp_frame};
use super::world::{Stage, find_program};

/// The classic capture format: magic, version 2.4, snapshot length, Ethernet.
const PCAP_HEADER: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1];
/// Frames that one capture keeps at most.
const FRAMES_MAX: usize = 400_000;

/// A packet socket on `interface`; sends and receives whole frames.
///
/// To be called in a thread that stands in the right namespace. The address that names the interface
/// is taken from the system's list, since one cannot be made by hand without unsafe code.
pub(crate) fn packet_socket(interface: &str) -> Socket {
    let link: LinkAddr = getifaddrs()
        .expect("the list of interfaces")
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address.and_then(|address| address.as_link_addr().copied()))
        .expect("an interface with a link address");
    let raw: OwnedFd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
        .expect("a packet socket");
    bind(std::os::fd::AsRawFd::as_raw_fd(&raw), &link).expect("binding a packet socket");
    let socket = Socket::from(raw);
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a read timeout");
    let _ = socket.set_recv_buffer_size(8 << 20);
    socket
}

/// A capture that runs.
pub(crate) struct Capture {
    frames: Arc<Mutex<Vec<Vec<u8>>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Capture {
    /// Begins to listen on `interface` of `host`; returns when the socket is open.
    pub(crate) fn start(stage: &Stage, host: &Host, interface: &str) -> Capture {
        let name = interface.to_string();
        let mut socket = host.inside(move || packet_socket(&name));
        let frames = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (kept, end) = (Arc::clone(&frames), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while !end.load(Ordering::Relaxed) {
                let Ok(length) = socket.read(&mut buffer) else {
                    continue;
                };
                let mut kept = kept.lock().expect("the frames");
                if kept.len() < FRAMES_MAX && Heard::from_frame(&buffer[..length]).is_some() {
                    kept.push(buffer[..length].to_vec());
                }
            }
        });
        let path = stage.folder().join(format!("{}-{interface}.pcap", host.pid()));
        Capture { frames, is_over, thread: Some(thread), path }
    }

    /// All messages so far, in order.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.frames.lock().expect("the frames").iter().filter_map(|frame| Heard::from_frame(frame)).collect()
    }

    /// Waits for the first message for which `wanted` holds.
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&Heard) -> bool) -> Heard {
        self.wait_after(0, what, wanted)
    }

    /// As [`Capture::wait_for`], for messages behind the first `seen`.
    pub(crate) fn wait_after(&self, seen: usize, what: &str, wanted: impl Fn(&Heard) -> bool) -> Heard {
        let mut found = None;
        until(what, Duration::from_secs(40), || {
            found = self.heard().into_iter().skip(seen).find(|heard| wanted(heard));
            found.is_some()
        });
        found.expect("waited for")
    }

    /// Whether a message of that kind comes within `patience`, behind the first `seen`.
    pub(crate) fn hears_after(&self, seen: usize, patience: Duration, wanted: impl Fn(&Heard) -> bool) -> bool {
        comes_true(patience, || self.heard().iter().skip(seen).any(&wanted))
    }

    /// How many messages there were so far.
    pub(crate) fn count(&self) -> usize {
        self.frames.lock().expect("the frames").len()
    }

    /// Ends the capture and checks each reply: once by hand, once by tshark.
    pub(crate) fn check_replies(mut self, servers: &[Ipv4Addr]) {
        self.stop();
        let frames = self.frames.lock().expect("the frames");
        for frame in frames.iter() {
            let heard = Heard::from_frame(frame).expect("kept because it is one");
            if heard.is_reply() && servers.contains(&heard.source.0) {
                heard.check_reply().unwrap_or_else(|what| panic!("a bad reply: {what}: {:02x?}", heard.payload));
                check_sums(frame);
                assert_eq!(heard.source.1, 67, "replies come from the server's port (RFC 2131 s. 4.1)");
            }
        }
        write_pcap(&self.path, &frames);
        let complaints = tshark_complaints(&self.path);
        assert!(complaints.is_empty(), "tshark complains of replies:\n{complaints}");
    }

    fn stop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the capturing thread");
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The header's sum, and that of UDP: whole, or none, or the part that the kernel leaves to a virtual interface.
fn check_sums(frame: &[u8]) {
    let ip = &frame[14..];
    let head = usize::from(ip[0] & 15) * 4;
    assert_eq!(ones_sum(&ip[..head], 0), 0xffff, "IP header checksum");
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let udp = &ip[head..total];
    let stored = u16::from_be_bytes([udp[6], udp[7]]);
    let pseudo = ones_sum(&ip[12..20], 17 + u32::try_from(udp.len()).expect("a short datagram"));
    let is_whole = ones_sum(udp, u32::from(pseudo)) == 0xffff;
    assert!(is_whole || stored == 0 || stored == pseudo, "UDP checksum {stored:04x}");
}

fn write_pcap(path: &Path, frames: &[Vec<u8>]) {
    let mut bytes: Vec<u8> = PCAP_HEADER.iter().flat_map(|word| word.to_ne_bytes()).collect();
    // Major and minor version are two half words; written as one word they would be swapped on some machines.
    bytes[4..6].copy_from_slice(&2u16.to_ne_bytes());
    bytes[6..8].copy_from_slice(&4u16.to_ne_bytes());
    for frame in frames {
        let length = u32::try_from(frame.len()).expect("a frame");
        bytes.extend([0, 0, length, length].iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend(frame);
    }
    fs::write(path, bytes).expect("a capture file");
}

/// What tshark finds malformed, or worth a warning, in replies of this capture; one line each.
fn tshark_complaints(path: &Path) -> String {
    const WARNING: &str = "_ws.malformed || _ws.expert.severity >= 6291456";
    let Some(tshark) = find_program("tshark") else { panic!("tshark is not installed (see tests/setup.sh)") };
    let output = Command::new(tshark)
        .args(["-n", "-r"])
        .arg(path)
        .args(["-Y", &format!("dhcp.type == 2 && udp.srcport == 67 && ({WARNING})")])
        .args(["-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message", "-e", "udp.payload"])
        .output()
        .expect("tshark starts");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A capture without any complaint proves little before the checks have shown that they can complain.
#[test]
fn the_checks_of_replies_find_a_reply_that_is_broken() {
    let Some(stage) = Stage::set("checks", &["tshark"]) else { return };
    let mut reply = Ask::new(OFFER, [2, 0, 0, 0, 0, 1]).with(54, &[10, 1, 0, 1]).bytes();
    reply[0] = 2;
    let good = Heard::from_payload(&reply).expect("a message");
    assert_eq!(good.check_reply(), Ok(()));
    // Option 54 now claims to be longer than the message.
    reply[244] = 250;
    let broken = Heard::from_payload(&reply).expect("a message");
    assert!(broken.check_reply().is_err());
    let mut frame = udp_frame(&[2, 0, 0, 0, 0, 2], Ipv4Addr::new(10, 1, 0, 1), &reply);
    frame[34..38].copy_from_slice(&[0, 67, 0, 68]);
    let path = stage.folder().join("broken.pcap");
    write_pcap(&path, &[frame]);
    assert!(!tshark_complaints(&path).is_empty());
}
