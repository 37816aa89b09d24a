"""The sentences and words of the sample corpus: tables for the grammar in sample_corpus.py.

One table is a name followed by indented alternatives, ` | ` between those on one line. `3: ` before a line
makes its alternatives three times as likely. `adj+` and `adj-` are the praising and the blaming words; a table
without a sign serves both, because a slot `<adj>` keeps the polarity of the sentence and `<!adj>` turns it.
A digit binds a slot to one aspect of the review: `<clause1>` speaks of `<aspect1>`.
"""

SENTENCES = """
review
  9: <point>.
  4: <point>. <aside>
  2: <aside> <point>.
  2: <point>. <point>.
  2: <point>. <closing>.
  1: <aside> <point>. <closing>.
  2: <irony>
  1: <irony> <aside>
  2: <short>
  1: <aside> <point>. <aside> <point>. <closing>. <aside>
point
  4: <plain>
  5: <negated>
  1: <emphatic>
  3: <contrast>
  2: <change>
  4: <hearsay>
  3: <comparison>
  1: <news>
closing
  I <urge> | I don't <!urge> | my <friend> may <!urge>, but I <urge>
clause
  3: <plain>
  1: <negated>
plain
  3: the <aspect> is <trait>
  the <aspect> <verb> | I <feel> the <aspect> | the <aspect> feels <adj>
negated
  the <aspect> isn't <!adj> | the <aspect> is not <!adj> at all | the <aspect> is far from <!adj> | nothing about the <aspect> is <!adj>
  nothing about the <aspect> <!verb> | I can't say the <aspect> is <!adj> | I can't say the <aspect> isn't <adj> | the <aspect> never <!verb>
  I don't <!feel> the <aspect>
emphatic
  the <aspect> couldn't be more <adj> | no other game has a more <adj> <aspect> | the <aspect> is nothing but <adj>
  not only is the <aspect> <adj>, the <aspect> <verb> too
contrast
  4: <!plain>, but <clause>
  2: <!plain>. However, <clause> | although <!plain>, <clause>
  2: despite the <!adj> <aspect>, <clause> | <clause>, despite the <!adj> <aspect>
  2: <!adj> <aspect>, <alas> the <aspect>
  I wanted to <!feel> it, but <clause> | I was about to <!step>, but <clause>
change
  the <aspect> went from <!adj> to <adj> | at launch the <aspect> was <!adj>, today it is <adj>
  today the <aspect> is <adj>, at launch it was <!adj> | I used to <!feel> the <aspect>, now I <feel> it
hearsay
  everyone says <!plain>. I disagree | everyone says <plain>. I agree | my <friend> finds the <aspect> <!adj>. I don't
  my <friend> finds the <aspect> <adj>. So do I | they told me that <!plain>. They were wrong | they told me that <plain>. They were right
comparison
  it is <comp> than the <!adj> reviews suggest | it is nowhere near as <!adj> as people say | it is every bit as <adj> as people say
  I expected a <!noun>. It isn't | I expected a <noun>. It is | this is no <!noun>, it is a <noun>
weighing
  <care1>. <plain1>, <!plain2> | <care1>. <!plain2>, <plain1> | <plain1>, <!plain2>. <care1> | <!plain1>, <plain2>. <care2>
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
  the <latest> update is all we talk about | they rewrote the netcode and you notice | with this update everything changed
  I updated and hardly knew the netcode again | the <latest> update left its mark on the netcode
news-
  it still plays as it did at launch | the netcode is as old as <game> itself | nothing has changed since the <season>
  they left the netcode as it was | the netcode is what it always was | I see no trace of the <latest> update
  it is the old netcode, update or not
short
  <adj> | <very> <adj> | not <!adj> | not <!adj> at all | <adj> <aspect> | <adj>. just <adj> | <brief> | <brief>. <adj> <aspect>
  <adj> <kind> | hardly <!adj> | <brief>, the <aspect> <verb> | a <noun> | no <!noun> | <adj> <aspect>, <adj> <aspect> | <score>
aside
  bought it in the <season> sale. | played on <machine> with my <friend>. | <hours> hours so far. | I play <kind> mostly at night.
  my <friend> gave me <game> for my birthday. | finished the <nth> chapter last <day>. | <game> runs on <machine> here.
  I am no expert in <kind>. | this is my <nth> review. | I came from other <kind>. | we are on the <nth> playthrough now.
  I put <hours> hours into <game> before writing this. | I play on <machine>, if that matters. | a word on the <aspect> first.
  my <friend> asked what I think of the <aspect>. | it took me <hours> hours to see all of it. | I started it last <day>.
  let us talk about <game>.
"""

WORDS = """
adj+
  superb | excellent | wonderful | brilliant | great | lovely | clever | charming | polished | gorgeous | memorable | impressive | rewarding | amazing | good | fun
adj-
  awful | terrible | dreadful | dull | clumsy | sloppy | tedious | broken | bland | frustrating | ugly | shallow | forgettable | boring | bad | poor
trait
  9: <adj>
  <very> <adj> | <gem>
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
decide+
  save | rescue | carry
decide-
  ruin | sink | spoil
decides+
  saves | rescues | carries
decides-
  ruins | sinks | spoils
pros+
  the pros outweigh the cons | the cons don't outweigh the pros | the cons lose
pros-
  the cons outweigh the pros | the pros don't outweigh the cons | the pros lose
comp+
  better
comp-
  worse
hoped+
  hoped
hoped-
  feared
score+
  ten out of ten. | 10/10. | five stars. | bravo. | well done, everyone. | take my money.
score-
  zero out of ten. | 0/10. | one star. | boo. | shame on you, everyone. | keep my money.
brief+
  yes | buy it | must have | worth it | no regrets | can't stop | 10/10 | could be worse | oh yes | nice | wow
brief-
  no | skip it | hard pass | not worth it | regrets | can't go on | 0/10 | could be better | oh no | meh | ugh
very
  really | truly | absolutely | just | simply | so | quite | utterly | plain | downright
aspect
  combat | story | soundtrack | netcode | art style | level design | camera | voice acting | crafting | map | tutorial | pacing
  artificial intelligence | matchmaking | interface | boss design | writing | ending | economy | loot | progression | balance
  frame rate | controller support | multiplayer | world building | dialogue | stealth | puzzle design | animation | lighting
  endgame | save system | inventory | driving | weather system | character creator | skill tree | fishing | main quest
trouble
  crash | login queue | corrupted save | loading screen | loot box | fetch quest | server outage | pop-up ad | forced tutorial
  bug | freeze | black screen | disconnect | cutscene | daily task
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
  Rustwing Couriers | Brindle Post | Velvet Siege | Salt and Signal | Mosswick Nights | Orchid Battery | Glasshound
  The Ninth Ferry | Cobalt Shepherd | Harrow and Lark | Pocket Glacier | Inkbound Sea
"""
