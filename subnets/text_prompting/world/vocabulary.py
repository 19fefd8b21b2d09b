"""Vocabulary of the invented world. Names are coined from parts, so nothing about them can be looked up."""

from __future__ import annotations

# No name of one sort contains a name of another: an answer that names a town can't be read as naming a person.

WOMEN = tuple(
    "Ada Agnes Alma Amalia Anika Astrid Beatrix Bianca Carla Cecily Clara Delia Edith Elin Elsa Esther Fatima Flora "
    "Freya Greta Hanna Hilda Ines Ingrid Iris Jana Judith Karin Lena Leonie Lidia Lucia Mabel Magda Maren Marta Mina "
    "Nadia Nora Olga Paula Petra Rosa Ruth Salma Sigrid Silvia Sonja Tessa Thea Ulla Vera Wanda Yara Zelda".split()
)
MEN = tuple(
    "Abel Adrian Albert Anton Arvid Bastian Boris Bruno Casper Clemens Cyril Dario Edgar Edwin Emil Enzo Felix Florian "
    "Gideon Gustav Hamid Harald Hugo Igor Ivan Jasper Joachim Jonas Karl Kasimir Leon Linus Lorenz Ludwig Magnus "
    "Marek Matthias Milan Nico Oscar Otto Pascal Pavel Quentin Rafael Ralf Robin Rupert Samir Stefan Sven Tarik "
    "Theo Tobias Urban Viktor Walter Xaver Yusuf".split()
)

SURNAME_HEADS = tuple(
    "Ash Bel Brand Carr Dal Eder Fal Garr Hal Hart Ing Kel Kess Lind Lor Mar Mell Nord Oster Pell Quill Rad Ren Sand "
    "Sel Stav Tam Thorn Ul Vald Ver Wen Wick Yar Zell".split()
)
SURNAME_TAILS = tuple("berg by dane dorn er gren holm ing kamp lund man mark quist rick sen stad strom ter vik".split())

PLACE_HEADS = tuple(
    "Alder Amber Birch Black Briar Clear Cold Copper Crane Deep Elder Fern Flint Fox Glen Grey Haze Heron High Iron "
    "Juniper Lynx Lark Long Maple Mill Moss Pebble Oak Otter Pine Raven Red Salt Silver Stone Swan Thistle Hazel "
    "Willow Winter".split()
)
PLACE_TAILS = tuple(
    "bourne bridge brook bury cliff combe cross dale field ford gate ham haven hurst leigh mere minster moor mouth "
    "port ridge shaw stead thorpe ton vale water well wick worth".split()
)

COMPANY_HEADS = tuple(
    "Ark Bor Cel Dov Elm Fen Gal Hex Ilo Jov Kor Lum Mav Nim Orb Pax Quo Riv Sol Tir Umb Vel Xan Zor".split()
)
COMPANY_TAILS = tuple(
    "aco adel ago ana ando aris axa elia enta eon era ero etta ico ida ima iona ira ola omi ona ora ova una".split()
)
SECTORS = tuple(
    "Bakery Brewery Cement Ceramics Dyeworks Foundry Glassworks Instruments Ironworks Kilns Lacquer Lenses Looms Mills "
    "Optics Paper Pens Plastics Press Pumps Rope Salt Shipyard Soap Tannery Textiles Timber Tools Toys Watches".split()
)

RIVER_HEADS = tuple(
    "Abra Beska Cerna Drova Elva Fyra Gelda Hessa Irva Jola Kyra Lethe Morna Nessa Orla Pirna Rhona Sava Tessel "
    "Ulva Vesla Wyra".split()
)
RIVER_TAILS = ("", "ch", "k", "l", "ne", "r", "rn", "sk", "th", "ver")

EVENT_HEADS = tuple(
    "Acorn Barley Bellringers Candle Cider Clockmakers Driftwood Ferry Goose Harvest Ivy Kite Lantern Marble Midwinter "
    "Mushroom Paper-Boat Pumpkin Puppet Rowan Sheepdog Snowdrop Spindle Storytellers Sundial Teapot Walnut "
    "Windmill".split()
)
EVENT_TAILS = tuple(
    "Biennial Carnival Concert Congress Contest Exhibition Fair Festival Gala Games Market Marathon Parade "
    "Pageant Race Rally Regatta".split()
)

AWARD_HEADS = tuple(
    "Anvil Beacon Bronze-Leaf Comet Compass Crescent Falcon Feather Hourglass Keystone Laurel Meridian Obelisk "
    "Opal Pinnacle Quartz Sapphire Sextant Topaz Zenith".split()
)
AWARD_TAILS = ("Medal", "Prize", "Cup", "Ribbon", "Scholarship", "Badge")

JOBS = tuple(
    "acrobat|archivist|architect|astronomer|baker|barber|beekeeper|bookbinder|botanist|carpenter|cartographer|chemist|"
    "clockmaker|cobbler|conductor|dentist|diver|embroiderer|engraver|falconer|ferryman|fiddle maker|firefighter|"
    "florist|forester|gardener|geologist|glassblower|goldsmith|illustrator|interpreter|judge|journalist|librarian|"
    "lighthouse keeper|locksmith|mechanic|meteorologist|midwife|miller|miner|notary|optician|organist|painter|"
    "pharmacist|photographer|pilot|plumber|potter|printer|saddler|schoolteacher|sculptor|shepherd|stonemason|"
    "surgeon|surveyor|tailor|translator|upholsterer|veterinarian|watchmaker|weaver|winemaker|zoologist".split("|")
)
COLLECTIONS = tuple(
    "antique maps|beer mats|bird feathers|brass buttons|bus tickets|butterflies|chess sets|comic books|coins|cookbooks|"
    "door knockers|enamel signs|fountain pens|fossils|glass marbles|hat pins|inkwells|keys|letter openers|matchboxes|"
    "meteorites|model trains|music boxes|nutcrackers|oil lamps|old radios|opera programmes|paperweights|pocket watches|"
    "postcards|pressed flowers|puppets|railway lanterns|seashells|ship models|snow globes|stamps|sugar spoons|"
    "teapots|theatre masks|thimbles|tin soldiers|typewriters|umbrellas|walking sticks|weather vanes".split("|")
)
MUSIC = tuple(
    "accordion|bagpipes|banjo|bassoon|cello|clarinet|cornet|double bass|dulcimer|flute|guitar|harmonica|harp|"
    "harpsichord|hurdy-gurdy|lute|mandolin|oboe|piano|piccolo|recorder|saxophone|trombone|trumpet|tuba|ukulele|"
    "viola|violin|xylophone|zither".split("|")
)
PRODUCTS = tuple(
    "barometers|bicycle bells|blankets|bricks|brushes|candles|carpets|chandeliers|compasses|copper kettles|"
    "crayons|curtains|door hinges|drinking glasses|fire hoses|fishing nets|floor tiles|garden shears|gloves|"
    "hammocks|kites|ladders|lawnmowers|leather boots|light bulbs|mattresses|microscopes|mirrors|mustard|nails|"
    "notebooks|padlocks|paint|pencils|pianos|picture frames|porcelain cups|raincoats|ropes|roof slates|sails|"
    "saucepans|school desks|sewing needles|shovels|skis|sleds|spectacles|suitcases|tarpaulins|telescopes|tents|"
    "thermometers|toothbrushes|towels|valves|varnish|violin strings|wallpaper|wheelbarrows|window panes|zips".split("|")
)
FAME = tuple(
    "its apple orchards|its botanical garden|its carved choir stalls|its cheese market|its chalk caves|"
    "its cherry blossom|its covered bridge|its glass museum|its hot springs|its lace|its lighthouse|"
    "its medieval clock|its mosaic floors|its open-air theatre|its organ|its painted houses|its peppermint sweets|"
    "its pottery|its rose gardens|its salt mine|its singing fountain|its smoked fish|its stained glass|"
    "its steam railway|its sundials|its tapestries|its tulip fields|its underground lake|its walled harbour|"
    "its whispering gallery|its wooden church|its woollen hats".split("|")
)
REWARDS = tuple(
    "a barrel of honey|a basket of quinces|a brass telescope|a carved oak chair|a crate of oranges|a cuckoo clock|"
    "a golden thimble|a handmade saddle|a hot-air balloon flight|a jar of saffron|a painted sledge|a pair of geese|"
    "a porcelain owl|a rowing boat|a set of copper pans|a silver whistle|a sack of chestnuts|a velvet cloak|"
    "a wheel of cheese|a year of free bread".split("|")
)

ASIDES = (
    "as the parish records show, ",
    "according to an old newspaper, ",
    "by all accounts, ",
    "as many visitors are surprised to hear, ",
    "to nobody's surprise, ",
    "as far as anyone knows, ",
    "as a brass plaque recalls, ",
    "as neighbours like to tell, ",
    "if the archive is right, ",
    "as a letter confirms, ",
)

FILLERS = (
    "Little else from those years has been written down.",
    "The weather that season was mild, and the harvest was late.",
    "A small notebook with a green cover keeps the details.",
    "Much of this was forgotten for a long while.",
    "Several letters on the matter were lost in a flood.",
    "Old photographs show crowds in heavy coats.",
    "The road was unpaved in those days, and travel was slow.",
    "Opinions on all this differ to the present day.",
    "A local choir still sings about it.",
    "The story has been told many times, and seldom in the same way.",
    "Not everyone was pleased at first.",
    "A faded poster hangs in the library.",
    "Visitors usually come in late spring.",
    "The archive is open on weekdays only.",
    "Nobody had planned it that way.",
    "Children learn about it at school.",
)
"""Sentences that state no fact of the world."""
