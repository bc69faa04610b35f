package calendar

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Events are the events of the sun, in the order of a day.
var Events = []string{"dawn_astronomical", "dawn_nautical", "dawn_civil", "sunrise", "solar_noon", "sunset", "dusk_civil", "dusk_nautical", "dusk_astronomical"}

// event is an instant of a solar day: when the sun passes a height.
type event struct {
	name string
	side float64 // of noon: -1 before, 1 after, 0 noon itself
	// zenith is the angle between the sun's centre and straight up. The sun
	// rises when its upper edge shows, and air bends its light: 50 minutes of
	// arc below the horizon in all.
	zenith float64
}

var events = []event{
	{"dawn_astronomical", -1, 108}, {"dawn_nautical", -1, 102}, {"dawn_civil", -1, 96}, {"sunrise", -1, 90 + 50.0/60},
	{"solar_noon", 0, 0},
	{"sunset", 1, 90 + 50.0/60}, {"dusk_civil", 1, 96}, {"dusk_nautical", 1, 102}, {"dusk_astronomical", 1, 108},
}

// sun ticks at an event of each solar day at a place.
type sun struct {
	event               event
	latitude, longitude float64
}

func parseSolar(s Solar) (source, error) {
	i := slices.IndexFunc(events, func(e event) bool { return e.name == s.Event })
	if i < 0 {
		return nil, fault("solar.event", "%q is unknown; write one of %s", clip(s.Event), strings.Join(Events, ", "))
	}
	if !(math.Abs(s.Latitude) <= 90) { // nor what is not a number
		return nil, fault("solar.latitude", "%v is out of bounds; it goes from -90 (south) to 90 (north)", s.Latitude)
	}
	if !(math.Abs(s.Longitude) <= 180) {
		return nil, fault("solar.longitude", "%v is out of bounds; it goes from -180 (west) to 180 (east)", s.Longitude)
	}
	if math.Abs(s.Latitude) > 89 && events[i].side != 0 {
		return nil, fault("solar.latitude", "%v is less than a degree from a pole, where the sun rises and sets once a year if at all; go away from it, or use solar_noon", s.Latitude)
	}
	return sun{event: events[i], latitude: s.Latitude, longitude: s.Longitude}, nil
}

// next looks through the days of a year and a little more: an event that the
// polar day or night takes away comes back within that.
func (s sun) next(after time.Time) (time.Time, bool) {
	const longest = 400
	day := after.Unix()/secondsADay - 2
	for range longest {
		if t, ok := s.on(day); ok && t.After(after) {
			return t, true
		}
		day++
	}
	return time.Time{}, false
}

// on is the event of the solar day whose noon falls on a day since 1970, give
// or take half a day for the longitude.
func (s sun) on(day int64) (time.Time, bool) {
	midnight := float64(day * secondsADay)
	noon := midnight + 12*3600 - s.longitude*240
	at, happens := noon, true
	// What the sun's place is depends on the time sought: a few rounds settle it.
	for range 6 {
		declination, equation := position(at)
		angle := 0.0
		if s.event.side != 0 {
			angle, happens = s.hourAngle(declination)
		}
		at = noon - equation*60 + s.event.side*angle*240
	}
	return time.Unix(int64(math.Round(at)), 0).UTC(), happens
}

// hourAngle is how far from noon, in degrees, the sun stands at the event's
// height. If it never does the nearest angle stands in, and false.
func (s sun) hourAngle(declination float64) (float64, bool) {
	cosine := (cos(s.event.zenith) - sin(s.latitude)*sin(declination)) / (cos(s.latitude) * cos(declination))
	return degrees(math.Acos(max(-1, min(1, cosine)))), math.Abs(cosine) <= 1
}

// position is the sun's declination in degrees and the equation of time in
// minutes at a Unix time, after Meeus, Astronomical Algorithms, chapters 25
// and 28, in the form that NOAA's solar calculator uses.
func position(unix float64) (declination, equation float64) {
	const j2000 = 946728000 // 2000-01-01 12:00 UTC
	t := (unix - j2000) / (36525 * secondsADay)
	longitude := math.Mod(280.46646+t*(36000.76983+t*0.0003032), 360)
	anomaly := 357.52911 + t*(35999.05029-t*0.0001537)
	eccentricity := 0.016708634 - t*(0.000042037+t*0.0000001267)
	centre := sin(anomaly)*(1.914602-t*(0.004817+t*0.000014)) + sin(2*anomaly)*(0.019993-t*0.000101) + sin(3*anomaly)*0.000289
	node := 125.04 - 1934.136*t
	apparent := longitude + centre - 0.00569 - 0.00478*sin(node)
	obliquity := 23 + (26+(21.448-t*(46.815+t*(0.00059-t*0.001813)))/60)/60 + 0.00256*cos(node)
	declination = degrees(math.Asin(sin(obliquity) * sin(apparent)))

	y := math.Pow(math.Tan(obliquity/2*math.Pi/180), 2)
	equation = 4 * degrees(y*sin(2*longitude)-2*eccentricity*sin(anomaly)+4*eccentricity*y*sin(anomaly)*cos(2*longitude)-
		y*y/2*sin(4*longitude)-5.0/4*eccentricity*eccentricity*sin(2*anomaly))
	return declination, equation
}

func sin(deg float64) float64     { return math.Sin(deg * math.Pi / 180) }
func cos(deg float64) float64     { return math.Cos(deg * math.Pi / 180) }
func degrees(rad float64) float64 { return rad * 180 / math.Pi }
