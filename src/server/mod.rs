//! SKELETON (owner: core). Server: handle, expire, wake_at.
pub mod event;
pub mod outbox;
