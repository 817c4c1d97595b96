"""Speaks MQTT: topics, messages, the connection, the publisher, Home Assistant, and a subscriber.

In: alerts, states, health and statistics. Out: messages at the broker; alerts go through the outbox.
Public names: ``Topics`` (topics.py), the messages (messages.py), ``MqttPublisher`` (publisher.py), ``Subscriber``
(subscriber.py), ``Hearing`` (hearing.py: what all subscribers share), ``EmbeddedBroker`` (embedded_broker.py),
``Announced`` (announced.py), ``take_back`` (taking_back.py).
No module here loads OpenCV or NumPy.
Threads: paho's network thread, the publisher's thread ``mqtt-publisher``, the subscriber's thread ``mqtt-subscriber``,
the observer's thread ``mqtt-observer``.
"""
