from demo.demo import facts as facts
