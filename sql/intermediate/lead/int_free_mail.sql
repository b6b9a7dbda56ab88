/* @model
description: Mail domains that anybody can have an address of, so that they say nothing of the company somebody works for. A project may replace this list by its own.
grain: [domain]
kind: view
owner: revops
tags: [crm, leads]
columns:
  domain: {type: string, doc: "domain, in lower case", checks: [not_null]}
*/
select domain
from (
    values
        ('126.com'), ('163.com'), ('aol.com'), ('att.net'), ('bluewin.ch'), ('bol.com.br'),
        ('btinternet.com'), ('comcast.net'), ('duck.com'), ('fastmail.com'), ('free.fr'),
        ('freenet.de'), ('gmail.com'), ('gmx.at'), ('gmx.ch'), ('gmx.com'), ('gmx.de'),
        ('gmx.net'), ('googlemail.com'), ('hey.com'), ('hotmail.co.uk'), ('hotmail.com'),
        ('hotmail.de'), ('hotmail.fr'), ('hotmail.it'), ('hushmail.com'), ('icloud.com'),
        ('laposte.net'), ('libero.it'), ('live.co.uk'), ('live.com'), ('live.de'), ('live.fr'),
        ('mac.com'), ('mail.com'), ('mail.ru'), ('me.com'), ('msn.com'), ('naver.com'),
        ('o2.pl'), ('orange.fr'), ('outlook.com'), ('outlook.de'), ('outlook.fr'), ('pm.me'),
        ('posteo.de'), ('proton.me'), ('protonmail.com'), ('qq.com'), ('rediffmail.com'),
        ('seznam.cz'), ('t-online.de'), ('tutanota.com'), ('uol.com.br'), ('verizon.net'),
        ('wanadoo.fr'), ('web.de'), ('wp.pl'), ('yahoo.ca'), ('yahoo.co.in'), ('yahoo.co.jp'),
        ('yahoo.co.uk'), ('yahoo.com'), ('yahoo.com.br'), ('yahoo.de'), ('yahoo.es'),
        ('yahoo.fr'), ('yahoo.it'), ('yandex.com'), ('yandex.ru'), ('ymail.com'), ('zoho.com')
) as listed (domain)
