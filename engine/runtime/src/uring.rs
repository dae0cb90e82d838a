//! The io_uring backend: one glommio executor a shard.
//!
//! One small task a connection waits for it to become readable or to have room, one accepts per listener, and the root
//! task takes mail, keeps the one timer and wakes other shards. All behaviour is the engine's; the tasks only wait.
//!
//! glommio polls the kernel only when no task is ready, so whoever has more to do than its share sleeps for
//! [`YIELD`] instead of waking itself: that lets the others' events in.

mod accept;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Shutdown, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use glommio::timer::Timer;
use glommio::{LocalExecutorBuilder, Placement};
use pincer_shard::driver::Core;
use socket2::SockRef;

use crate::bell::Bell;
use crate::engine::{Engine, Hangup, Io, Token};
use crate::seat::Seat;
use crate::socket::{READ_BUFFER_BYTES, READS_PER_TURN};

/// glommio's storage buffers. Sockets do not use them, and its default of 10 MiB is resident from the start.
const IO_MEMORY: usize = 64 << 10;

/// A pause just long enough to be one.
const YIELD: Duration = Duration::from_micros(20);

/// Runs one shard until its core has finished. `go_on` is told whether the kernel gave what is needed, and says whether
/// to start.
pub(crate) fn run<C: Core>(seat: Seat<C>, go_on: impl FnOnce(io::Result<()>) -> bool) -> io::Result<()> {
    let Seat { core, ports, clock, gauges, listeners, mesh, shard } = seat;
    let Some(bell) = mesh.bell(shard) else { return Err(io::ErrorKind::NotFound.into()) };
    ignore_broken_pipes();
    // The thread is pinned already; glommio's own placement does not know about container CPU sets.
    let made = LocalExecutorBuilder::new(Placement::Unbound).io_memory(IO_MEMORY).make();
    let opened =
        made.map_err(io::Error::from).and_then(|executor| Ok((executor, UringIo::open(&listeners)?)));
    let (setup, opened) = match opened {
        Ok(opened) => (Ok(()), Some(opened)),
        Err(error) => (Err(error), None),
    };
    let started = go_on(setup);
    let Some((executor, io)) = opened.filter(|_| started) else { return Ok(()) };
    let shared = Rc::new(Shared {
        engine: RefCell::new(Engine::new(core, io, ports, clock, gauges)),
        buffer: RefCell::new(vec![0; READ_BUFFER_BYTES]),
        root: RefCell::new(None),
        armed: Cell::new(None),
        tasks: Cell::new(0),
    });
    executor.run(async {
        for listener in listeners {
            shared.spawn(accept::accept(Rc::clone(&shared), listener));
        }
        shared.engine.borrow_mut().start();
        Root { shared: &shared, bell, timer: None }.await;
    });
    bell.mute();
    Ok(())
}

/// The kernel's side of one shard.
struct UringIo {
    /// Second descriptors of the listeners that accept tasks wait on, to shut them.
    listeners: Vec<TcpListener>,
    /// The connection whose task is running. It looks after itself and need not be woken.
    running: Option<Token>,
}

/// A connection, and the task that waits for it.
struct Link {
    stream: Box<TcpStream>,
    task: Option<Waker>,
}

impl Link {
    fn new(stream: TcpStream) -> Link {
        Link { stream: Box::new(stream), task: None }
    }

    fn remember(&mut self, waker: &Waker) {
        match &mut self.task {
            Some(task) => task.clone_from(waker),
            None => self.task = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }
}

impl AsFd for Link {
    #[allow(unsafe_code)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `stream` owns the descriptor and lives as long as the borrow.
        unsafe { BorrowedFd::borrow_raw(self.stream.as_raw_fd()) }
    }
}

impl UringIo {
    fn open(listeners: &[TcpListener]) -> io::Result<UringIo> {
        let listeners = listeners.iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?;
        Ok(UringIo { listeners, running: None })
    }

    fn is_accepting(&self) -> bool {
        !self.listeners.is_empty()
    }
}

impl Io for UringIo {
    type Handle = Link;

    /// The task asks the engine what to wait for whenever it runs.
    fn watch(&mut self, token: Token, handle: &mut Link, _read: bool, _room: bool) -> io::Result<()> {
        if self.running != Some(token) {
            handle.wake();
        }
        Ok(())
    }

    fn close(&mut self, token: Token, handle: Link) {
        if self.running != Some(token) {
            handle.wake(); // finds its socket gone and ends
        }
    }

    fn stop_accepting(&mut self) {
        for listener in self.listeners.drain(..) {
            // Ends the accept that waits in the kernel; dropping its future could lose a connection just accepted.
            drop(SockRef::from(&listener).shutdown(Shutdown::Read));
        }
    }
}

/// What the tasks of one shard share. No borrow is held over an await.
struct Shared<C: Core> {
    engine: RefCell<Engine<C, UringIo>>,
    buffer: RefCell<Vec<u8>>,
    root: RefCell<Option<Waker>>,
    /// The deadline the root's timer is set for.
    armed: Cell<Option<u64>>,
    tasks: Cell<usize>,
}

/// Counts a task for as long as it exists, however it ends.
struct Counted<C: Core>(Rc<Shared<C>>);

impl<C: Core> Counted<C> {
    fn new(shared: Rc<Shared<C>>) -> Counted<C> {
        shared.tasks.set(shared.tasks.get() + 1);
        Counted(shared)
    }
}

impl<C: Core> Drop for Counted<C> {
    fn drop(&mut self) {
        self.0.tasks.set(self.0.tasks.get() - 1);
        self.0.wake_root();
    }
}

/// Why a connection's task stopped waiting.
enum Pause {
    /// It has had its share.
    Enough,
    /// Its socket is gone.
    Gone,
}

impl<C: Core> Shared<C> {
    /// Runs a task that the root waits for before it ends.
    fn spawn(self: &Rc<Self>, task: impl Future<Output = ()> + 'static) {
        let counted = Counted::new(Rc::clone(self));
        glommio::spawn_local(async move {
            task.await;
            drop(counted);
        })
        .detach();
    }

    fn wake_root(&self) {
        if let Some(root) = &*self.root.borrow() {
            root.wake_by_ref();
        }
    }

    /// One turn of the engine outside the root. What it leaves to do, the root does once for all of them.
    fn turn<T>(&self, act: impl FnOnce(&mut Engine<C, UringIo>) -> T) -> T {
        let mut engine = self.engine.borrow_mut();
        engine.begin_turn();
        let result = act(&mut engine);
        engine.account();
        let earlier = match (engine.deadline(), self.armed.get()) {
            (Some(deadline), Some(armed)) => deadline < armed,
            (deadline, None) => deadline.is_some(),
            (None, Some(_)) => false,
        };
        if earlier || engine.has_left_overs() || engine.is_over() {
            self.wake_root();
        }
        result
    }

    /// Serves one connection until it is gone.
    async fn serve(self: Rc<Self>, token: Token) {
        while let Pause::Enough = poll_fn(|cx| self.poll_socket(token, cx)).await {
            Timer::new(YIELD).await;
        }
    }

    fn poll_socket(&self, token: Token, cx: &mut Context<'_>) -> Poll<Pause> {
        self.turn(|engine| {
            if let Some((link, ..)) = engine.socket(token) {
                link.remember(cx.waker());
            }
            engine.io.running = Some(token);
            let had_enough = self.read(engine, token, cx);
            write(engine, token, cx);
            engine.io.running = None;
            match engine.socket(token) {
                None => Poll::Ready(Pause::Gone),
                Some(_) if had_enough => Poll::Ready(Pause::Enough),
                Some(_) => Poll::Pending,
            }
        })
    }

    /// Reads until nothing is there, then waits for more. Returns whether it has had its share before that.
    fn read(&self, engine: &mut Engine<C, UringIo>, token: Token, cx: &mut Context<'_>) -> bool {
        let mut buffer = self.buffer.borrow_mut();
        for _ in 0..READS_PER_TURN {
            let link = match engine.socket(token) {
                Some((link, true, _)) => link,
                _ => return false,
            };
            match Pin::new(&mut *link.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return false,
                Poll::Ready(Ok(0)) => engine.hung_up(token, Hangup::Eof),
                Poll::Ready(Ok(bytes)) => {
                    if let Some(got) = buffer.get_mut(..bytes) {
                        engine.received(token, got);
                    }
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(_)) => engine.hung_up(token, Hangup::Broken),
            }
        }
        true
    }
}

/// While a socket has no room: waits for some. glommio has no bare wait: it tries to write first.
fn write<C: Core>(engine: &mut Engine<C, UringIo>, token: Token, cx: &mut Context<'_>) {
    while let Some(written) =
        engine.offer(token, |link, bytes| Pin::new(&mut *link.stream).poll_write(cx, bytes))
    {
        match written {
            Poll::Pending => return,
            Poll::Ready(Ok(bytes)) => engine.wrote(token, bytes),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(_)) => engine.hung_up(token, Hangup::Broken),
        }
    }
}

/// Mail, the timer, and waking other shards.
struct Root<'a, C: Core> {
    shared: &'a Shared<C>,
    bell: &'a Bell,
    timer: Option<Timer>,
}

impl<C: Core> Future for Root<'_, C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.bell.wake_by(cx.waker());
        *this.shared.root.borrow_mut() = Some(cx.waker().clone());
        this.bell.get_up();
        if this.timer.as_mut().is_some_and(|timer| Pin::new(timer).poll(cx).is_ready()) {
            // It has done its duty, and will wake nobody any more: whatever is due next needs another.
            this.timer = None;
        }
        let mut engine = this.shared.engine.borrow_mut();
        engine.begin_turn();
        engine.mail();
        engine.tick();
        engine.end_turn();
        if engine.is_over() && this.shared.tasks.get() == 0 {
            return Poll::Ready(());
        }
        this.bell.lie_down();
        let deadline = engine.deadline();
        if !engine.is_idle() {
            this.sleep(YIELD, cx);
        } else if let Some(at) = deadline {
            let wait = Duration::from_millis(at.saturating_sub(engine.clock_ms()));
            if this.timer.is_none() || this.shared.armed.get() != deadline || wait.is_zero() {
                this.sleep(wait.max(YIELD), cx);
            }
        } else {
            this.timer = None;
        }
        this.shared.armed.set(deadline);
        Poll::Pending
    }
}

impl<C: Core> Root<'_, C> {
    /// Lets the root run again after `wait`.
    fn sleep(&mut self, wait: Duration, cx: &mut Context<'_>) {
        let timer = self.timer.insert(Timer::new(wait));
        if Pin::new(timer).poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

/// glommio sends without MSG_NOSIGNAL. Rust's start-up code ignores SIGPIPE too, unless it was told not to.
#[allow(unsafe_code)]
fn ignore_broken_pipes() {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
