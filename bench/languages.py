"""How well languages are guessed from token buckets alone: python -m bench.languages FOLDER ...

A FOLDER holds a tokenizer.json, as store entries do. Ten sentences in each language, none of them in the
tables of monitoring/; prints the shares that are told right, and wrong rather than unknown.
"""

import sys
from pathlib import Path

import numpy as np

from bench.road import console
from bentos.task import load_task
from monitoring.columns import to_columns
from monitoring.language import UNKNOWN, Languages
from monitoring.tokens import Tokens

SENTENCES = {
    "English": """
        The staff were friendly and the room was clean when we arrived.
        I have played this for forty hours and I still don't understand the map.
        My daughter would not stop talking about the second chapter.
        Delivery took only a day, but one of the cups was broken.
        He says that the update made everything slower on his machine.
        There is no reason to buy it unless you already own the first part.
        We will never come back to this place.
        What a waste of an evening, the plot makes no sense at all.
        If you like long walks in the rain, this is for you.
        She asked for her money and they gave it to her at once.
    """,
    "German": """
        Das Personal war freundlich und das Zimmer sauber, als wir ankamen.
        Ich habe das jetzt vierzig Stunden gespielt und verstehe die Karte immer noch nicht.
        Meine Tochter hörte nicht auf, vom zweiten Kapitel zu erzählen.
        Die Lieferung dauerte nur einen Tag, aber eine der Tassen war zerbrochen.
        Er sagt, dass nach dem Update alles langsamer geworden ist.
        Es gibt keinen Grund, es zu kaufen, wenn man den ersten Teil schon hat.
        Hierher kommen wir nie wieder.
        Was für ein verlorener Abend, die Handlung ergibt überhaupt keinen Sinn.
        Wer gern im Regen spazieren geht, für den ist das genau richtig.
        Sie wollte ihr Geld zurück und hat es auch sofort bekommen.
    """,
    "French": """
        Le personnel était aimable et la chambre propre quand nous sommes arrivés.
        J'y ai joué quarante heures et je ne comprends toujours pas la carte.
        Ma fille n'arrêtait pas de parler du deuxième chapitre.
        La livraison n'a pris qu'un jour, mais une des tasses était cassée.
        Il dit que tout est plus lent depuis la mise à jour.
        Il n'y a aucune raison de l'acheter si vous avez déjà le premier.
        Nous ne reviendrons jamais dans cet endroit.
        Quelle soirée perdue, l'histoire n'a aucun sens.
        Si vous aimez les longues promenades sous la pluie, c'est pour vous.
        Elle a demandé son argent et on le lui a rendu tout de suite.
    """,
    "Spanish": """
        El personal era amable y la habitación estaba limpia cuando llegamos.
        Llevo cuarenta horas jugando y todavía no entiendo el mapa.
        Mi hija no dejaba de hablar del segundo capítulo.
        El envío tardó solo un día, pero una de las tazas estaba rota.
        Dice que todo va más lento desde la última actualización.
        No hay ninguna razón para comprarlo si ya tienes la primera parte.
        Nunca volveremos a este lugar.
        Qué tarde perdida, la historia no tiene ningún sentido.
        Si te gustan los paseos largos bajo la lluvia, esto es para ti.
        Ella pidió su dinero y se lo devolvieron enseguida.
    """,
    "Italian": """
        Il personale era gentile e la camera era pulita quando siamo arrivati.
        Ci ho giocato quaranta ore e ancora non capisco la mappa.
        Mia figlia non smetteva di parlare del secondo capitolo.
        La consegna ha richiesto solo un giorno, ma una delle tazze era rotta.
        Dice che dopo l'aggiornamento è tutto più lento.
        Non c'è nessun motivo per comprarlo se avete già la prima parte.
        Non torneremo mai più in questo posto.
        Che serata sprecata, la storia non ha alcun senso.
        Se ti piacciono le lunghe passeggiate sotto la pioggia, questo fa per te.
        Lei ha chiesto i suoi soldi e glieli hanno ridati subito.
    """,
    "Portuguese": """
        Os funcionários eram simpáticos e o quarto estava limpo quando chegámos.
        Já joguei quarenta horas e ainda não percebo o mapa.
        A minha filha não parava de falar do segundo capítulo.
        A entrega demorou só um dia, mas uma das chávenas estava partida.
        Ele diz que ficou tudo mais lento depois da atualização.
        Não há razão nenhuma para comprar isto se você já tem a primeira parte.
        Nunca mais voltamos a este lugar.
        Que noite perdida, a história não faz sentido nenhum.
        Se gosta de longos passeios à chuva, isto é para si.
        Ela pediu o dinheiro e devolveram-no logo.
    """,
    "Russian": """
        Персонал был приветливым, и номер был чистым, когда мы приехали.
        Я играю уже сорок часов и всё ещё не понимаю карту.
        Моя дочь не переставала говорить о второй главе.
        Доставка заняла всего день, но одна из чашек была разбита.
        Он говорит, что после обновления всё стало медленнее.
        Нет никакой причины покупать её, если у вас уже есть первая часть.
        Мы сюда больше никогда не вернёмся.
        Какой потерянный вечер, в сюжете нет никакого смысла.
        Если вы любите долгие прогулки под дождём, это для вас.
        Она попросила свои деньги, и ей их сразу вернули.
    """,
    "Turkish": """
        Personel çok güler yüzlüydü ve geldiğimizde oda temizdi.
        Kırk saat oynadım ve haritayı hâlâ anlamıyorum.
        Kızım ikinci bölümden bahsetmeyi hiç bırakmadı.
        Kargo sadece bir gün sürdü ama bardaklardan biri kırıktı.
        Güncellemeden sonra her şeyin daha yavaş olduğunu söylüyor.
        İlk bölüm sizde varsa bunu almak için bir neden yok.
        Bu yere bir daha asla gelmeyeceğiz.
        Ne kadar boş bir akşam, hikâyenin hiçbir anlamı yok.
        Yağmurda uzun yürüyüşleri seviyorsanız bu tam size göre.
        Parasını geri istedi ve ona hemen verdiler.
    """,
}


def measured(tokens: Tokens) -> dict[str, tuple[float, float]]:
    """By language, the share of the sentences told right, and wrong."""
    languages, found = Languages(tokens), {}
    for name, text in SENTENCES.items():
        ids = tokens.of_texts([line.strip() for line in text.strip().splitlines()])
        rows = [{"buckets": [int(bucket) for bucket in np.unique(tokens.buckets[one])]} for one in ids]
        guessed = languages.guess(to_columns(rows, load_task("sample-reviews")))
        wrong = (guessed != name) & (guessed != UNKNOWN)
        found[name] = (float(np.mean(guessed == name)), float(np.mean(wrong)))
    return found


def main() -> None:
    """Measure each folder's tokenizer."""
    if not sys.argv[1:]:
        sys.exit(__doc__)
    for folder in sys.argv[1:]:
        found = measured(Tokens(Path(folder)))
        console.print(folder, found)
        right, wrong = np.mean(list(found.values()), axis=0)
        console.print(f"right {right:.3f}, wrong {wrong:.3f}")


if __name__ == "__main__":
    main()
