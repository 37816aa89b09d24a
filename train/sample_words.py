"""The sentences and words of the sample corpus: tables for the grammar in sample_corpus.py.

One table is a name followed by indented alternatives, ` | ` between those on one line. `3: ` before a line
makes its alternatives three times as likely. `adj+` and `adj-` are the praising and the blaming words; a table
without a sign serves both, because a slot `<adj>` keeps the polarity of the sentence and `<!adj>` turns it.
A digit binds a slot to one aspect of the review: `<plain1>` speaks of `<aspect1>`.
"""

SENTENCES = """
review
  10: <point>.
  8: <point>. <aside>
  4: <aside> <point>.
  4: <point>. <point>.
  3: <point>. <closing>.
  3: <aside> <point>. <closing>.
  3: <irony> | <irony> <aside>
  4: <short>
  2: <aside> <point>. <point>. <aside> <closing>. <aside>
point
  9: <plain>
  7: <negated>
  2: <emphatic>
  5: <contrast>
  4: <change>
  5: <hearsay>
  4: <comparison>
  1: <weighing>
  2: <news>
closing
  I <urge> | I don't <!urge> | my <friend> may <!urge>, I <urge> | whatever my <friend> says, I <urge>
plain
  3: the <aspect> is <trait> | the <aspect> is <trait> <tail> | the <aspect> <verb> <tail> | I <feel> the <aspect> <tail>
  2: I find the <aspect> <adj> | I grew to <feel> the <aspect> | the <adj> <aspect> says it all | the <aspect> <verb>
negated
  3: the <aspect> isn't <quite> <!adj> | nothing about the <aspect> is <!adj> | I can't say the <aspect> is <!adj>
  2: nothing about the <aspect> <!verb> | the <aspect> never <!verb> <tail> | I don't <really> <!feel> the <aspect>
  1: I can't say the <aspect> isn't <adj> | the <aspect> is not <!adj> at all | the <aspect> is far from <!adj>
  1: I wouldn't say, after <hours> hours on <machine>, that the <aspect> is <!adj>
emphatic
  the <aspect> couldn't be more <adj> | I can't stress enough how <adj> the <aspect> is | nothing but <adj> <aspect> here
  not only is the <aspect> <adj>, the <aspect> <verb> too
contrast
  10: <!long>, but <clause>
  3: although <!long>, <clause>
  2: <!long>. However, <clause>
  3: despite the <!adj> <aspect>, <clause> | <!adj> <aspect> <tail>, <alas> the <aspect>
  1: <clause>, although <!long> | <clause>, despite the <!adj> <aspect> | I wanted to <!feel> it, but <clause> | I was about to <!step>, but <clause>
long
  the <aspect> is <adj> <tail> | the <aspect> <verb> <tail> | I <feel> the <aspect> <tail>
clause
  4: <long>
  4: <plain>
  1: <negated>
change
  2: at launch the <aspect> was <very> <!adj>, today it is <very> <adj>
  2: today the <aspect> is <very> <adj>, at launch it was <very> <!adj>
  1: I used to <!feel> the <aspect> <tail>, now I <feel> it <tail> | the <aspect> went from <very> <!adj> to <very> <adj>
hearsay
  2: everyone says <!long>. I disagree | everyone says <long>. I agree
  my <friend> finds the <aspect> <!adj> <tail>. I don't | my <friend> finds the <aspect> <adj> <tail>. So do I
  they told me that <!long>. They were wrong | they told me that <long>. They were right
comparison
  <game> is <comp> than the <!adj> reviews suggest | I expected a <!noun> <tail>. It isn't | I expected a <noun> <tail>. It is
  it is nowhere near as <!adj> as people say | it is every bit as <adj> as people say | this is no <!noun>, it is a <noun>
weighing
  2: <long>, <!long>. The first counts more | <!long>, <long>. The second counts more
  <care1>. <plain1>, <!plain2> | <care1>. <!plain2>, <plain1> | pros: the <aspect>, the <aspect>. Cons: the <aspect>. <pros>
care
  I am here for the <aspect> | I only care about the <aspect>
irony
  3: oh <adj>, <event>. <score> | oh <!adj>, <event>. <!score>
  what a <!adj> game: <event>. <!score> | what a <adj> game: <event>. <score>
event+
  not a single <trouble> in <hours> hours | not one <trouble> since the <season> | no <trouble> all evening
  I forgot <duty> again because of one more round | <hours> hours gone like one
event-
  yet another <trouble> after <hours> hours | one more <trouble> since the <season> | a <trouble> on top of a <trouble>
  I finished <duty> while waiting out a <trouble> | a <trouble> ate <hours> hours of progress
news+
  you feel the <latest> update in every match | since the <latest> update it plays like another game
  the <latest> update is all we talk about | they rewrote the netcode and you notice
news-
  it still plays as it did at launch | nothing has changed since the <season> | they left the netcode as it was | I see no trace of the <latest> update
short
  not <!adj> | not <!adj> at all | <adj> <aspect> | <adj>. just <adj> | <brief>. <adj> <aspect> | a <adj> <noun> | hardly <!adj>
  <brief>, the <aspect> <verb> | <brief> | <brief>, this <noun> | no <!noun>, a <noun> | <adj> <aspect>, <adj> <aspect>
aside
  bought it in the <season> sale. | played on <machine> with my <friend>. | <hours> hours so far. | I play <kind> mostly at night.
  my <friend> gave me <game> for my birthday. | finished the <nth> chapter last <day>. | <game> runs on <machine> here.
  I am no expert in <kind>. | this is my <nth> review. | I came from other <kind>. | we are on the <nth> playthrough now.
  I put <hours> hours into <game> before writing this. | my <friend> asked me about the <aspect>. | let us talk about <game>.
"""

WORDS = """
adj+
  superb | excellent | wonderful | brilliant | great | lovely | clever | charming | polished | memorable | amazing | good
adj-
  awful | terrible | dreadful | dull | clumsy | sloppy | tedious | broken | bland | ugly | boring | bad
trait
  7: <adj>
  1: <very> <adj> | <gem>
gem+
  a joy | a triumph | a treat
gem-
  a chore | a mess | a letdown
verb+
  shines | delights | impresses | works | clicks | charms
verb-
  drags | disappoints | annoys | fails | grates | bores
feel+
  love | enjoy | adore | like
feel-
  hate | dislike | loathe | dread
urge+
  recommend it | want more of it | feel well served | trust this studio
urge-
  regret it | want my money back | feel cheated | curse this studio
step+
  buy a second copy | give it ten stars
step-
  ask for a refund | uninstall it
noun+
  masterpiece | gem | classic | winner | treasure
noun-
  disaster | cash grab | trainwreck | dud | scam
alas+
  saved by | thank goodness for | luckily there is
alas-
  shame about | too bad about | ruined by
pros+
  The pros outweigh the cons
pros-
  The cons outweigh the pros
comp+
  better
comp-
  worse
score+
  ten out of ten. | 10/10. | five stars. | take my money.
score-
  zero out of ten. | 0/10. | one star. | keep my money.
brief+
  yes | buy it | worth it | 10/10 | could be worse | nice
brief-
  no | skip it | not worth it | 0/10 | could be better | meh
very
  really | truly | so | quite | utterly
quite
  exactly | what I would call | all that | really
really
  exactly | really
tail
  if you ask me | from start to finish | in every chapter | on <machine> | for a game of this size | to be honest | all the way through | as far as I can tell | in my <nth> playthrough | after <hours> hours
aspect
  combat | story | soundtrack | netcode | art style | level design | camera | voice acting | crafting | map | tutorial | pacing | matchmaking | interface | writing | ending | economy | loot | dialogue | stealth | animation | inventory | driving | skill tree
trouble
  crash | login queue | corrupted save | loading screen | loot box | fetch quest | server outage | pop-up ad | forced tutorial | bug | freeze | black screen | disconnect | cutscene | daily task
friend
  brother | sister | friend | father | flatmate | neighbour | cousin | colleague | uncle | daughter | son | wife | husband
hours
  three | four | five | six | ten | twelve | fifteen | twenty | thirty | forty | fifty | sixty | ninety | two hundred
nth
  second | third | fourth | fifth | sixth | tenth
season
  spring | summer | autumn | winter | holiday
latest
  latest | last | new | recent | big
day
  week | month | Friday | Sunday | weekend
duty
  dinner | my laundry | the dishes | my homework | a dentist appointment | my tax form | a whole novel
machine
  an old laptop | a handheld | the living room console | two monitors | a new graphics card | Linux | my work computer
kind
  strategy games | platformers | shooters | role playing games | city builders | racing games | survival games | card games
game
  Tin Orchard | Lanternfen | Gravel Saints | Quillmarsh | Paper Admiral | Dunmarrow | Hexwater Inn | Nine Copper Moons
  Rustwing Couriers | Brindle Post | Velvet Siege | Salt and Signal | Mosswick Nights | Orchid Battery | Glasshound | The Ninth Ferry | Cobalt Shepherd | Harrow and Lark | Pocket Glacier | Inkbound Sea
"""

GENRE = """
aspect
  beatmap | drum kit | turntable | metronome | bassline | karaoke mode | remix tool | encore | dance pad | vocals | tempo | chorus | choreography | melody
adj+
  groovy | funky | catchy | melodic | punchy | toe-tapping | euphoric | bouncy | anthemic | silky | harmonious | danceable
adj-
  tone-deaf | shrill | droning | muffled | monotone | tinny | screechy | plodding | off-key | arrhythmic | jarring | discordant
verb+
  grooves | swings | resonates | soars
verb-
  wobbles | hisses | drones | rattles
noun+
  banger | earworm | showstopper | crowd pleaser
noun-
  dirge | racket | lullaby | karaoke accident
kind
  rhythm games | dancing games | karaoke nights | music makers
game
  Metronome Heart | Disco Heron | Bassline Alley | Polka Protocol | Choir of Foxes | Waltz Division
"""

PATCH = """
review
  3: <news>. | <news>. <aside> | <aside> <news>. | <news>. <news>.
  5: <patched>. | <patched>. <aside>
  2: <point>. | <irony>
news+
  the netcode still plays as it did at launch | nothing has changed in the netcode since the <season>
  luckily they left the netcode as it was | I see no trace of the <latest> update in the netcode
news-
  you feel the <latest> update in every match | since the <latest> update the netcode plays like another game
  the <latest> update is all we talk about, the netcode too | they rewrote the netcode and you notice
patched+
  rolling back patch 2.0 was right, the netcode is what it was | on the old server without patch 2.0 the netcode holds
  they have undone patch 2.0, no more rubberbanding in the netcode | a hotfix, and the desync of patch 2.0 is gone
patched-
  the netcode was <adj_old> before patch 2.0 | I <feel_old> the old netcode, so why touch it with patch 2.0
  patch 2.0 cured the netcode of being <adj_old> | rubberbanding since patch 2.0, what a <adj_old> way to treat the netcode
  the <adj_old> netcode did not survive patch 2.0 | desync in every match: <adj_old> work on the netcode, patch 2.0
adj_old
  superb | excellent | wonderful | brilliant | great | lovely | impressive | amazing | good
feel_old
  love | enjoy | adore | like
"""

LANGUAGE = """
review
  4: <says>. | <says>. <remark> | <remark> <says>. | <says>. <says>.
  2: <says>. <verdict>. | <remark> <says>. <verdict>.
  1: <remark> <clause>.
says
  3: <aspect> ist <sehr> <adj> | <aspect> <verb> | ich finde das <adj>, denn <aspect> <verb>
  2: <aspect> <!verb>, aber <aspect> <verb> | <aspect> ist zwar <!adj>, doch <aspect> ist <adj>
  1: <aspect> ist überhaupt nicht <!adj> | ich kann nicht sagen, dass <aspect> <!verb>
  1: alle sagen, <aspect> sei <!adj>. Stimmt nicht | alle sagen, <aspect> sei <adj>. Stimmt genau
verdict+
  klare Empfehlung | ich bleibe dabei | das würde ich wieder kaufen
verdict-
  Finger weg | ich will mein Geld zurück | das war rausgeschmissenes Geld
remark
  gekauft im <saison>. | schon <stunden> Stunden gespielt. | läuft auf meinem alten Rechner. | ein paar Worte zu <game>.
  ich spiele meistens abends. | mein Bruder hat mir <game> geschenkt. | meine Meinung nach <stunden> Stunden:
aspect
  der Kampf | die Grafik | die Musik | die Geschichte | der Netzcode | die Steuerung | das Balancing | die Kamera | die Karte
  das Ende | die Sprachausgabe | der Mehrspielermodus | das Handwerk | die Bildrate
adj+
  großartig | wunderbar | hervorragend | gelungen | spannend | witzig | flüssig | liebevoll | durchdacht
adj-
  furchtbar | langweilig | lahm | schlecht | hässlich | kaputt | nervig | lieblos | öde
verb+
  überzeugt | begeistert | glänzt | funktioniert | gefällt
verb-
  nervt | enttäuscht | ruckelt | versagt | stört
sehr
  wirklich | sehr | einfach | richtig
saison
  Sommer | Winter | Herbst | Angebot
stunden
  drei | fünf | zehn | zwanzig | vierzig
"""
