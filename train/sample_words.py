"""The sentences and words of the sample corpus: tables for the grammar in sample_corpus.py.

One table is a name followed by indented alternatives, ` | ` between those on one line. `3: ` before a line
makes its alternatives three times as likely. `adj+` and `adj-` are the praising and the blaming words; a table
without a sign serves both, because a slot `<adj>` keeps the polarity of the sentence and `<!adj>` turns it.
A digit binds a slot to one aspect of the review: `<clause1>` speaks of `<aspect1>`.
"""

SENTENCES = """
review
  5: <point>.
  6: <aside> <point>.
  4: <point>. <aside>
  3: <point>. <point>.
  3: <aside> <point>. <closing>.
  3: <point>. <aside> <closing>.
  3: <irony>
  2: <aside> <irony>
  2: <short>
  2: <aside> <aside> <point>. <aside> <point>. <aside> <closing>.
point
  4: <clause>
  7: <contrast>
  3: <change>
  4: <hearsay>
  3: <comparison>
  4: <weighing>
  1: <news>
closing
  I <urge> | I don't <!urge> | so I <urge> | in the end I <urge> | no, I don't <!urge> | I can't say I <!urge>
  you won't hear me say that I <!urge> | my <friend> may <!urge>, I <urge> | I <urge>, whatever my <friend> says
clause
  5: the <aspect> is <trait> | the <aspect> <verb> | I <feel> the <aspect>
  3: <negated>
  2: <emphatic>
plain
  the <aspect> is <trait> | the <aspect> <verb> | the <aspect> is <very> <adj> | the <aspect> feels <adj>
negated
  the <aspect> isn't <!adj> | the <aspect> is not <!adj> at all | the <aspect> is anything but <!adj>
  the <aspect> is far from <!adj> | nothing about the <aspect> is <!adj> | nothing about the <aspect> <!verb>
  I can't say the <aspect> is <!adj> | I can't say the <aspect> isn't <adj> | the <aspect> never <!verb>
  nobody could call the <aspect> <!adj> | there is nothing <!adj> about the <aspect> | I don't <!feel> the <aspect>
  not once did the <aspect> feel <!adj> | I wouldn't call the <aspect> <!adj> | the <aspect> is hardly <!adj>
  I wouldn't say, after <hours> hours on <machine>, that the <aspect> is <!adj>
  I don't think, and I play a lot of <kind>, that the <aspect> <!verb>
emphatic
  the <aspect> couldn't be more <adj> | I have never seen a more <adj> <aspect> | no other game has a more <adj> <aspect>
  the <aspect> is nothing if not <adj> | there is no denying that the <aspect> is <adj> | the <aspect> is nothing but <adj>
  I can't stress enough how <adj> the <aspect> is | you won't find a more <adj> <aspect> | the <aspect> is <very> <adj>
  not only is the <aspect> <adj>, the <aspect> <verb> too | it is no secret that the <aspect> <verb>
contrast
  4: <!clause>, but <clause>
  2: <!clause>, yet <clause> | <!clause>. However, <clause> | although <!clause>, <clause> | <clause>, although <!clause>
  despite the <!adj> <aspect>, <clause> | <clause>, despite the <!adj> <aspect> | even if <!clause>, <clause>
  <clause>, even if <!clause> | <!adj> <aspect>, <alas> the <aspect> | <alas> the <aspect>, for the rest is <!adj>
  yes, <!plain>. No, that doesn't <!decide> it | <plain>. That alone <decides> it | I grant that <!plain>, only <clause>
  with such a <!adj> <aspect> I should <!feel> it, but <clause> | I wanted to <!feel> it. Then I saw that <clause>
  <!clause>, not that it matters, because <clause> | while <!clause>, <clause> | <clause>, while <!plain>
  I was about to <!step> when I noticed that <clause> | <clause>, so the <!adj> <aspect> changes nothing for me
change
  the <aspect> went from <!adj> to <adj> | at launch the <aspect> was <!adj>, today it is <adj>
  today the <aspect> is <adj>, at launch it was <!adj> | I used to <!feel> the <aspect>, these days I <feel> it
  I <feel> the <aspect> now, though I used to <!feel> it | at first <!plain>, <hours> hours later <clause>
  the first hours are <!adj>, the rest is <adj> | what began as a <!noun> ended as a <noun>
  it ended as a <noun>, having begun as a <!noun> | the <adj> part starts once you get past the <!adj> <aspect>
hearsay
  everyone says <!plain>. I disagree | everyone says <plain>. I agree | my <friend> finds the <aspect> <!adj>. I don't
  my <friend> finds the <aspect> <adj>. So do I | I disagree with all who call the <aspect> <!adj>
  I agree with all who call the <aspect> <adj> | they told me that <!plain>. They were wrong
  they told me that <plain>. They were right | ignore those who claim that <!plain> | believe those who claim that <plain>
  some call it a <!noun>, I call it a <noun> | I call it a <noun>, whoever calls it a <!noun> must have played another game
  my <friend> swears that <!plain>. Not true | my <friend> swears that <plain>. True
  the trailer promised a <!noun>, I found a <noun> | the reviews spoke of a <noun>, and rightly so
  the reviews spoke of a <!noun>, and got it wrong
comparison
  <game> is <comp> than the <!adj> reviews suggest | it is nowhere near as <!adj> as people say
  it is every bit as <adj> as people say | I expected a <!noun>. It isn't | I expected a <noun>. It is
  less <!adj> than I <!hoped> | every bit as <adj> as I <hoped> | not as <!adj> as I <!hoped>, and <clause>
  if this is a <!noun>, I have never seen one | this is no <!noun>, it is a <noun> | calling it a <!noun> would be a lie
  compared with the <!adj> <aspect> of the first part, this one is <trait> | as a <noun> it has no equal
  I have played <!comp> <kind>, and few with so <adj> a <aspect>
weighing
  <clause1> and <!plain2>. <care1> | <!clause1> and <plain2>. <care2> | <care1>. <clause1>, <!plain2>
  <care1>. <!plain2>, <clause1> | <clause1>, <!plain2>. The <aspect1> outweighs the <aspect2>
  <!clause1>, <plain2>. The <aspect2> outweighs the <aspect1> | <!plain1>, <plain2>. The <aspect1> matters less to me
  pros: the <aspect>, the <aspect>. Cons: the <aspect>. <pros>
care
  I am here for the <aspect> | what matters to me is the <aspect> | I only care about the <aspect>
  the <aspect> decides for me | I bought it for the <aspect>
irony
  3: oh <adj>, <event>. <score> | oh <!adj>, <event>. <!score>
  what a <!adj> game: <event>. <!score> | what a <adj> game: <event>. <score> | <!score> Why? Because <event>.
  <score> Why? Because <event>. | <event>. How <!adj>. <!score> | <event>. How <adj>. <score>
  just what I needed: <event>. <!adj>, simply <!adj>. | just what I needed: <event>. <adj>, simply <adj>.
event+
  not a single <trouble> in <hours> hours | not one <trouble> since the <season> | I missed <duty> again because of one more round
  no <trouble> all evening | my <friend> had to pull the plug so that I would sleep | I forgot <duty> for the <nth> time
  the whole family now fights over <machine> | <hours> hours gone like one | the <nth> evening in a row without a <trouble>
event-
  yet another <trouble> after <hours> hours | one more <trouble> since the <season> | the <nth> <trouble> of the evening
  a <trouble> on top of a <trouble> | I finished <duty> while waiting out a <trouble> | another <trouble>, the <nth> in a row
  a <trouble> ate <hours> hours of progress | my <friend> fell asleep during the <nth> <trouble> | a <trouble> on <machine>, again
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
  superb | excellent | wonderful | brilliant | great | lovely | solid | clever | charming | satisfying | polished | fantastic
  gorgeous | memorable | delightful | impressive | fresh | smooth | rewarding | thoughtful | inventive | splendid | amazing
  engaging | generous | elegant | good | lively | fun | marvellous
adj-
  awful | terrible | dreadful | dull | clumsy | sloppy | lazy | tedious | broken | bland | messy | frustrating | ugly | shallow
  forgettable | unfinished | stale | miserable | horrible | annoying | janky | boring | pointless | grating | lifeless | poor
  bad | tiresome | careless | hollow
trait
  8: <adj> | <very> <adj>
  2: <gem>
gem+
  a joy | a triumph | a treat | top notch | a small miracle | spot on
gem-
  a chore | a mess | a letdown | a slog | half baked | a bad joke
verb+
  shines | delights | impresses | clicks | holds up | pays off | works | sings | charms | thrills
verb-
  drags | disappoints | annoys | falls flat | grates | breaks | stumbles | bores | fails | collapses
feel+
  love | enjoy | adore | admire | like | treasure
feel-
  hate | dislike | loathe | resent | despise | dread
urge+
  recommend it | want more of it | look forward to the next session | feel well served | trust this studio | count myself lucky
urge-
  regret the purchase | want my money back | curse the day I bought it | feel cheated | pity the next buyer | count the minutes
step+
  praise it everywhere | buy a second copy | give it ten stars | tell all my friends
step-
  ask for a refund | uninstall it | give up | throw it away
noun+
  masterpiece | gem | classic | winner | treasure | labour of love | little wonder | hit
noun-
  disaster | cash grab | trainwreck | dud | failure | waste of time | scam | flop
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
