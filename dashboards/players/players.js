// Videos of one sample in a grid, played as one: the first of the longest is the clock, the others keep to it.

const PIXELATED_UP_TO = 150 // longest side in pixels: smaller videos are enlarged by a whole factor, as in frame strips
const WIDE = 200 // longest side of a small video as shown, at most
const NARROW = 165 // the same on a phone: two side by side
const STEADY = 0.01 // seconds of drift nobody sees
const SOFT_WAY_BACK = 0.4 // seconds in which a drift is made up for by playing faster or slower
const STRONGEST = 0.3 // share of the speed given to that, at most
const LEAST_LOSS = 0.03 // seconds below which all do not wait for one, also where frames are shorter
const WAIT_FOR_DATA = 5000 // milliseconds after which playing is tried with what there is
// Events after which a video may be ready for what it was not ready for before.
const TELLING = ["loadedmetadata", "loadeddata", "canplay", "canplaythrough", "seeked", "error", "emptied"]

const instances = new WeakMap()

export default function ({ data, parentElement }) {
  let players = instances.get(parentElement)
  if (!players) {
    players = new Players(parentElement.querySelector(".players"))
    instances.set(parentElement, players)
  }
  players.show(data.cells, data.plays)
  return () => {
    players.close()
    instances.delete(parentElement)
  }
}

class Players {
  constructor(root) {
    this.root = root
    this.grid = root.querySelector(".grid")
    this.control = Object.fromEntries(
      ["play", "back", "forward", "scrub", "where", "loop", "speed"].map((name) => [name, root.querySelector(`.${name}`)]),
    )
    this.cells = []
    this.shown = ""
    this.at = 0 // the frame all are at, or are wanted at
    this.wanted = false // whether they should play
    this.running = false // whether they do, and in step
    this.busy = false
    this.again = false
    this.interrupt = () => {}
    this.watch = () => document.hidden || this.settle()
    this.listen()
  }

  listen() {
    const { play, back, forward, scrub, speed } = this.control
    play.onclick = () => this.toggle()
    back.onclick = () => this.step(-1)
    forward.onclick = () => this.step(1)
    scrub.oninput = () => this.go(Number(scrub.value), this.wanted)
    speed.onchange = () => this.eachPlayable((cell) => (cell.video.playbackRate = this.rate))
    this.root.onkeydown = (event) => this.onKey(event)
    // A browser may stop videos nobody sees.
    document.addEventListener("visibilitychange", this.watch)
  }

  close() {
    document.removeEventListener("visibilitychange", this.watch)
    this.wanted = this.running = false
    this.eachPlayable((cell) => cell.unload())
    this.cells = []
    this.shown = ""
  }

  // Shows these cells; those that are there already stay, and everything stays where nothing changed. `plays` starts
  // videos none of which was there.
  show(wanted, plays) {
    const key = JSON.stringify(wanted)
    if (key === this.shown) return
    this.shown = key
    const before = new Map(this.cells.map((cell) => [cell.key, cell]))
    this.cells = wanted.map((facts) => before.get(Cell.keyOf(facts)) ?? new Cell(facts, this))
    const kept = this.cells.filter((cell) => before.get(cell.key) === cell)
    for (const cell of before.values()) if (!this.cells.includes(cell)) cell.unload()
    if (!kept.some((cell) => cell.playable)) {
      this.at = 0
      if (plays) this.wanted = this.frames > 0
    }
    this.measure()
    this.grid.replaceChildren(...this.cells.map((cell) => cell.root))
    this.settle()
  }

  measure() {
    const facts = this.cells.filter((cell) => cell.facts.frames).map((cell) => cell.facts)
    const longest = Math.max(1, ...facts.map((each) => Math.max(each.width, each.height)))
    const widest = Math.max(1, ...facts.map((each) => each.width))
    const small = facts.length > 0 && longest <= PIXELATED_UP_TO
    this.grid.classList.toggle("small", small)
    this.grid.style.setProperty("--wide", `${widest * Math.max(1, Math.floor(WIDE / longest))}px`)
    this.grid.style.setProperty("--narrow", `${widest * Math.max(1, Math.floor(NARROW / longest))}px`)
    // An image, and a run without a video, take the room of one.
    const [first] = facts
    this.grid.style.setProperty("--shape", first ? `${first.width} / ${first.height}` : "16 / 9")
    this.grid.style.setProperty("--natural", first ? `${Math.max(widest, 320)}px` : "20rem")
  }

  get rate() {
    return Number(this.control.speed.value)
  }

  get lead() {
    const playable = this.cells.filter((cell) => cell.playable)
    return playable.reduce((best, cell) => (best && best.length >= cell.length ? best : cell), undefined)
  }

  get frames() {
    return this.lead?.facts.frames ?? 0
  }

  eachPlayable(act) {
    for (const cell of this.cells) if (cell.playable) act(cell)
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    const on = event.target
    const own = on === this.control.speed
    const act = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      Home: () => this.go(0, false),
      End: () => this.go(this.frames - 1, false),
    }[event.key]
    // What a list, a button or a box does with a key itself it goes on doing.
    if (!act || own || (event.key === " " && on.matches("button, input[type=checkbox], a"))) return
    event.preventDefault()
    act()
  }

  toggle() {
    if (this.wanted) this.go(this.at, false)
    else this.go(this.at >= this.frames - 1 ? 0 : this.at, true)
  }

  clicked() {
    this.root.focus({ preventScroll: true }) // so that keys work from here on
    this.toggle()
  }

  step(by) {
    this.go(this.at + by, false)
  }

  go(frame, wanted) {
    this.at = Math.min(Math.max(frame, 0), Math.max(this.frames - 1, 0))
    this.wanted = wanted && this.frames > 0
    this.settle()
  }

  // Brings all videos to the frame wanted, then plays them if that is wanted. One run of it at a time: whoever
  // changes what is wanted meanwhile makes it begin again.
  async settle() {
    this.running = false
    this.again = true
    this.interrupt()
    this.paint()
    if (this.busy) return
    this.busy = true
    while (this.again) {
      this.again = false
      const interrupted = new Promise((resolve) => (this.interrupt = resolve))
      const unless = (done) => Promise.race([done, interrupted])
      const playable = this.cells.filter((cell) => cell.playable)
      for (const cell of playable) cell.video.pause()
      await unless(Promise.all(playable.map((cell) => cell.seek(this.at, this.wanted))))
      if (this.again || !this.wanted) continue
      const going = playable.filter((cell) => cell.playable && this.at < cell.facts.frames - 1)
      if (!going.length) {
        // At the end there is nothing left to play: round again, or that was it.
        if (this.control.loop.checked && this.frames > 1) [this.at, this.again] = [0, true]
        else this.wanted = false
        continue
      }
      await unless(Promise.all(going.map((cell) => cell.ready())))
      if (this.again) continue
      for (const cell of going) cell.video.playbackRate = this.rate
      const started = await unless(Promise.allSettled(going.map((cell) => cell.video.play())))
      if (this.again) continue
      if (!started?.some((each) => each.status === "fulfilled")) {
        this.wanted = false // the browser does not let them
        continue
      }
      this.running = true
      requestAnimationFrame(() => this.tick())
    }
    this.busy = false
    this.paint()
  }

  tick() {
    const lead = this.lead
    if (!this.running || !lead) return
    const now = lead.video.currentTime
    this.at = lead.frameAt(now)
    if (lead.video.ended) return this.finish()
    let lost = false
    this.eachPlayable((cell) => {
      if (cell !== lead && now < cell.length - cell.frame) lost = this.keepInStep(cell, now) || lost
    })
    if (lost) return this.settle()
    this.paint()
    requestAnimationFrame(() => this.tick())
  }

  // Returns whether a video is so far off, or stands still for want of data, that all have to wait for it.
  keepInStep(cell, now) {
    const { video } = cell
    if (video.paused || video.ended || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return true
    const drift = video.currentTime - now
    if (Math.abs(drift) > Math.max(0.9 * cell.frame, LEAST_LOSS)) return true
    const share = Math.abs(drift) < STEADY ? 0 : drift / SOFT_WAY_BACK / this.rate
    const rate = this.rate * (1 - Math.min(Math.max(share, -STRONGEST), STRONGEST))
    if (Math.abs(video.playbackRate - rate) > 0.01 * this.rate) video.playbackRate = rate
    return false
  }

  finish() {
    if (!this.running) return
    if (this.control.loop.checked) this.go(0, true)
    else this.go(this.frames - 1, false)
  }

  paint() {
    const { play, back, forward, scrub, where } = this.control
    const last = Math.max(this.frames - 1, 0)
    this.root.classList.toggle("playing", this.wanted)
    play.setAttribute("aria-label", this.wanted ? "Pause" : "Play")
    for (const each of [play, back, forward, scrub]) each.disabled = this.frames === 0
    scrub.max = String(last)
    scrub.value = String(this.at)
    const text = this.frames ? `Frame ${this.at + 1} of ${this.frames}` : "No video"
    scrub.setAttribute("aria-valuetext", text)
    if (where.textContent !== text) where.textContent = text
  }
}

class Cell {
  static keyOf(facts) {
    return JSON.stringify(facts)
  }

  constructor(facts, players) {
    this.facts = facts
    this.key = Cell.keyOf(facts)
    this.frame = facts.frames ? 1 / facts.fps : 0 // seconds
    this.length = facts.frames ? facts.frames / facts.fps : 0 // seconds
    this.root = document.createElement("figure")
    this.screen = this.root.appendChild(document.createElement("div"))
    this.screen.className = "screen"
    this.root.appendChild(this.caption())
    if (facts.missing) this.blank(facts.missing)
    else if (facts.kind === "image") this.picture()
    else this.load(players)
  }

  caption() {
    const caption = document.createElement("figcaption")
    const name = caption.appendChild(document.createElement("span"))
    name.className = "name"
    name.textContent = this.facts.label
    if (this.facts.src && this.facts.file) {
      const link = caption.appendChild(document.createElement("a"))
      link.href = this.facts.src
      link.download = this.facts.file
      link.textContent = "Download"
      link.setAttribute("aria-label", `Download ${this.facts.kind}: ${this.facts.label}`)
    }
    return caption
  }

  picture() {
    const image = document.createElement("img")
    image.alt = this.facts.label
    image.onerror = () => this.blank("The image is missing.")
    image.src = this.facts.src
    this.screen.replaceChildren(image)
  }

  load(players) {
    const video = document.createElement("video")
    video.muted = true
    video.playsInline = true
    video.preload = "auto"
    video.disablePictureInPicture = true
    video.setAttribute("muted", "")
    video.setAttribute("aria-label", this.facts.label)
    this.screen.style.aspectRatio = `${this.facts.width} / ${this.facts.height}`
    video.onclick = () => players.clicked()
    video.onwaiting = () => players.running && players.settle()
    video.onended = () => this === players.lead && players.finish()
    video.onerror = () => {
      this.unload()
      this.blank("The browser cannot play this video.")
      players.settle()
    }
    video.src = this.facts.src
    this.video = video
    this.screen.replaceChildren(video)
  }

  get playable() {
    return this.video !== undefined
  }

  blank(text) {
    this.screen.classList.add("blank")
    this.screen.textContent = text
  }

  unload() {
    const video = this.video
    if (!video) return
    this.video = undefined
    video.onerror = video.onwaiting = video.onended = null
    video.pause()
    video.removeAttribute("src")
    video.load()
  }

  frameAt(time) {
    return Math.min(Math.floor(time / this.frame + 1e-3), this.facts.frames - 1)
  }

  // Resolves once the frame is shown: the middle of it, so that no rounding shows its neighbour; the last where
  // this video is shorter. Where it is to play on from, any moment of the frame will do: a seek decodes all from the
  // last key frame on, and short videos have one.
  async seek(frame, goesOn) {
    const close = goesOn ? 0.5 * this.frame : 1e-3
    const time = (Math.min(frame, this.facts.frames - 1) + 0.5) * this.frame
    this.target = time
    await this.until((video) => video.readyState >= HTMLMediaElement.HAVE_METADATA)
    for (let attempts = 3; attempts > 0; attempts--) {
      if (!this.video || this.target !== time) return // gone, or wanted elsewhere meanwhile
      const { video } = this
      // During a seek its time is that of no seek in particular: the one before may still be on its way.
      if (!video.seeking && Math.abs(video.currentTime - time) < close) return
      video.currentTime = time
      await this.until((each) => !each.seeking)
    }
  }

  async ready() {
    const enough = this.until((video) => video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA)
    await Promise.race([enough, new Promise((resolve) => setTimeout(resolve, WAIT_FOR_DATA))])
  }

  // Resolves once `is` holds of the video, or the video has gone.
  async until(is) {
    while (this.video && !is(this.video)) {
      const heard = new AbortController()
      await new Promise((resolve) => {
        for (const name of TELLING) {
          this.video.addEventListener(name, resolve, { signal: heard.signal })
        }
      })
      heard.abort()
    }
  }
}
