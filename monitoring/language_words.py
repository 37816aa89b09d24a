"""The most frequent small words of some languages, and sentences to check a guess with."""

# The most frequent first.
WORDS = {
    "English": """
        the and to of a i is it in that you for on with this was but have not are be my as so at they just if
        all from or we he an what there out about do your had me very would when can their which more will
        one its no she them than by were been only don't it's some who like get because too even really
    """,
    "German": """
        die und der das ist ich nicht es in zu ein mit den auch auf sich man aber für eine dem von so sie wie
        im war noch nur wenn hat mir sehr kann bei mich oder als was wird an einen dass da sind mehr habe aus
        nach schon immer einem keine wir mal hier gut wieder über alles doch ja um diese dieses zum durch
    """,
    "French": """
        de et le la les est je pas un à que en une des c'est pour qui ce du il dans on mais plus l'on avec sur
        vous très j'ai tout ne nous d'un au sont bien par fait si elle se ou a même n'est qu'il comme cette
        être son me sans aussi quand peu trop encore ça mon où leur donc après qu'on rien ses deux lui
    """,
    "Spanish": """
        de que y la el en no a es un los me se con por una las muy lo para del pero más todo su como está ha al
        si te mi bien cuando ya hay porque este esta son le yo nada sin o también era fue hasta tan ni eso todos
        tiene puede mucho donde sus desde solo qué hace algo otra fueron nos cada siempre después
    """,
    "Italian": """
        di e che il la è non un in per una del si ma con i mi le da sono lo più ho molto come ha anche al se gli
        della tutto questo ci solo dei perché nel alla bene era questa ti sua a quando dal tutti fare cosa loro
        delle suo poi essere mai senza già c'è nella fatto ogni dopo o due ancora dove quello qualche abbiamo
    """,
    "Portuguese": """
        de e que o a não é um do da em para com uma no os muito se eu por mais na me mas as foi como ao está já
        ele tem bem seu só sua isso ou são quando meu você dos nos minha até ser também nem ela pela pelo das
        este esse à tudo sem depois ainda vou fazer porque muita todos nada tão onde gente estava era dele
    """,
    "Russian": """
        и в не на я что с это как по но за для все так у а из то мне он от был очень же есть мы вы бы если меня
        его только или уже когда нет ещё она они где можно до ее вас было чтобы быть даже больше этот эта всё
        при после раз через без время там во просто потом под тут сам нас вот ни том чем
    """,
    "Turkish": """
        ve bir bu çok için da de ile ama ne daha var en gibi kadar ben değil her sonra olarak o olan mi yok iyi
        bana hiç şey ki ya diye biraz oldu zaman güzel nasıl gün sadece benim göre bile artık şu olduğu beni
        tam çünkü bunu veya hem onu mı önce tek hep yani böyle şekilde kötü tüm olsa bizim biz ise
    """,
}

SENTENCES = {
    "English": [
        "I waited two weeks for the parcel and nobody answered my letters.",
        "The music is lovely but the ending was a bit too short for me.",
        "You can play it with friends, which is more fun than on your own.",
        "They fixed most of the bugs, so it runs well now.",
        "It was not what we had ordered and the colour is different from the picture.",
    ],
    "German": [
        "Ich habe zwei Wochen auf das Paket gewartet und keine Antwort bekommen.",
        "Die Musik ist schön, aber das Ende war mir etwas zu kurz.",
        "Man kann es mit Freunden spielen, das macht mehr Spaß als allein.",
        "Sie haben die meisten Fehler behoben, jetzt läuft es gut.",
        "Das war nicht, was wir bestellt hatten, und die Farbe ist anders als auf dem Bild.",
    ],
    "French": [
        "J'ai attendu le colis deux semaines et personne n'a répondu à mes lettres.",
        "La musique est belle, mais la fin était un peu trop courte pour moi.",
        "On peut y jouer avec des amis, c'est plus amusant que tout seul.",
        "Ils ont corrigé la plupart des erreurs, maintenant ça marche bien.",
        "Ce n'est pas ce que nous avions commandé et la couleur n'est pas celle de la photo.",
    ],
    "Spanish": [
        "Esperé el paquete dos semanas y nadie contestó a mis cartas.",
        "La música es bonita, pero el final fue demasiado corto para mí.",
        "Se puede jugar con los amigos, que es más divertido que hacerlo solo.",
        "Han arreglado la mayoría de los errores y ahora funciona bien.",
        "No era lo que habíamos pedido y el color no es el de la foto.",
    ],
    "Italian": [
        "Ho aspettato il pacco per due settimane e nessuno ha risposto alle mie lettere.",
        "La musica è bella, ma il finale era un po' troppo corto per me.",
        "Si può giocare con gli amici, che è più divertente che da soli.",
        "Hanno corretto la maggior parte degli errori e adesso funziona bene.",
        "Non era quello che avevamo ordinato e il colore non è quello della foto.",
    ],
    "Portuguese": [
        "Esperei o pacote durante duas semanas e ninguém respondeu às minhas cartas.",
        "A música é bonita, mas o final foi um pouco curto demais para mim.",
        "Dá para jogar com os amigos, o que é mais divertido do que sozinho.",
        "Eles corrigiram a maioria dos erros e agora funciona bem.",
        "Não era o que nós tínhamos pedido e a cor não é a da foto.",
    ],
    "Russian": [
        "Я ждал посылку две недели, и никто не ответил на мои письма.",
        "Музыка красивая, но конец был для меня слишком коротким.",
        "В неё можно играть с друзьями, это веселее, чем одному.",
        "Они исправили почти все ошибки, и теперь всё работает хорошо.",
        "Это не то, что мы заказали, и цвет не такой, как на картинке.",
    ],
    "Turkish": [
        "Paketi iki hafta bekledim ve kimse mektuplarıma cevap vermedi.",
        "Müzik çok güzel ama sonu benim için biraz kısa oldu.",
        "Arkadaşlarla da oynanıyor, bu tek başına oynamaktan daha eğlenceli.",
        "Hataların çoğunu düzelttiler, şimdi daha iyi çalışıyor.",
        "Bu bizim istediğimiz şey değil ve rengi resimdeki gibi değil.",
    ],
}
